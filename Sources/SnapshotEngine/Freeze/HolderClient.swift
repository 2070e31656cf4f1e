// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

public import Logging

/// Freezes containers by way of a process of its own that holds them: whatever becomes of this process, what is not sealed
/// is thawed, at once when this process ends, else at the latest when its deadline passes.
///
/// One holder's process serves all freezes of a client. It is started before the first one is asked for, and again for the
/// next freeze when it has ended.
public actor HolderClient {
    private let origin: HolderOrigin
    private let containerd: ContainerdClient
    private let logger: Logger
    private var current: HolderConnection?
    private let starts: AsyncStream<HolderConnection>
    private let start: AsyncStream<HolderConnection>.Continuation

    private init(origin: HolderOrigin, containerd: ContainerdClient, logger: Logger) {
        self.origin = origin
        self.containerd = containerd
        self.logger = logger
        (starts, start) = AsyncStream.makeStream()
    }

    /// Starts a holder's process and lets `body` use it. Afterwards nothing stays frozen but what was sealed, or what
    /// containerd does not thaw now: with that the holder goes on alone.
    ///
    /// Cancelling the calling task cancels what `body` does, but not the process: clean-up still reaches it.
    ///
    /// - Parameters:
    ///   - command: How a holder's process is started.
    ///   - containerd: A client in the containers' namespace, for what is to be done when a holder is lost.
    ///   - logger: Where remarks go.
    ///   - body: What to do.
    /// - Throws: What `body` throws.
    public static func withClient<Result: Sendable>(
        command: HolderCommand = HolderCommand(),
        containerd: ContainerdClient,
        logger: Logger,
        isolation: isolated (any Actor)? = #isolation,
        _ body: (HolderClient) async throws -> Result
    ) async throws -> Result {
        let options = ["--containerd-socket", containerd.socket, "--containerd-namespace", containerd.namespace]
        let origin = HolderOrigin.child(command, options: options)
        return try await withClient(origin: origin, containerd: containerd, logger: logger, body)
    }

    /// Connects to a holder's process that listens at a socket, and lets `body` use it. Afterwards nothing stays frozen but
    /// what was left to the holder (`HeldFreeze.keep`), or what containerd does not thaw now.
    ///
    /// - Parameters:
    ///   - holder: Where it listens.
    ///   - containerd: A client in the containers' namespace, for what is to be done when the holder is lost.
    ///   - logger: Where remarks go.
    ///   - body: What to do.
    /// - Throws: What `body` throws.
    public static func withClient<Result: Sendable>(
        of holder: HolderSocket,
        containerd: ContainerdClient,
        logger: Logger,
        isolation: isolated (any Actor)? = #isolation,
        _ body: (HolderClient) async throws -> Result
    ) async throws -> Result {
        try await withClient(origin: .listening(holder), containerd: containerd, logger: logger, body)
    }

    private static func withClient<Result: Sendable>(
        origin: HolderOrigin,
        containerd: ContainerdClient,
        logger: Logger,
        isolation: isolated (any Actor)? = #isolation,
        _ body: (HolderClient) async throws -> Result
    ) async throws -> Result {
        let client = HolderClient(origin: origin, containerd: containerd, logger: logger)
        // Not a child task: it would be cancelled together with the caller, and clean-up could no longer ask the holder.
        // It is owned all the same: every way out of this function ends it and waits for it.
        let running = Task { await client.run() }
        let outcome: Swift.Result<Result, any Error>
        do {
            outcome = .success(try await body(client))
        } catch {
            outcome = .failure(error)
        }
        running.cancel()
        await running.value
        return try outcome.get()
    }

    /// A freeze that is still to be begun.
    ///
    /// - Parameters:
    ///   - id: Names the freeze, 1 to 64 of `A-Z a-z 0-9 . _ -`.
    ///   - owner: Who freezes, for people.
    public nonisolated func makeFreeze(id: String, owner: String) -> HeldFreeze {
        HeldFreeze(
            id: id,
            owner: owner,
            client: self,
            recovery: FreezeRecovery(client: containerd),
            origin: origin
        )
    }

    /// Asks about a freeze that somebody may have begun.
    ///
    /// - Throws: If the holder cannot say.
    public func ask(_ control: FreezeControl, about id: String) async throws -> FreezeStatus {
        try await connection().ask(control, about: id)
    }

    /// Tells a holder that listens that nothing will be frozen any more, if it can be told now: if nothing is frozen it ends.
    public static func dismiss(_ holder: HolderSocket, logger: Logger) async {
        var holder = holder
        holder.startLimit = .zero
        let grace = holder.grace
        try? await uncancelled { [holder] in
            try await withThrowingTaskGroup(of: Void.self) { group in
                defer { group.cancelAll() }
                group.addTask { try await Task.sleep(for: grace) }
                group.addTask {
                    try await HolderConnection.with(holder, logger: logger) { connection in
                        _ = try await connection.ask(.dismiss, about: "")
                    }
                }
                try await group.next()
            }
        }
    }

    /// The number of the holder's process if it is a child; nil if there is none now.
    public var processID: Int32? { current?.processID }

    private func run() async {
        await withDiscardingTaskGroup { group in
            _ = begin()
            for await connection in starts {
                group.addTask { await connection.run() }
            }
            group.cancelAll()
        }
        start.finish()
    }

    /// A holder that can be asked; started if there is none.
    ///
    /// - Throws: `holderUnavailable` or what else the holder said; `CancellationError`.
    func connection() async throws -> HolderConnection {
        let connection = begin()
        try await connection.waitUntilReady()
        return connection
    }

    private func begin() -> HolderConnection {
        if let current, !current.hasEnded { return current }
        let connection = HolderConnection(origin: origin, logger: logger)
        current = connection
        start.yield(connection)
        return connection
    }
}
