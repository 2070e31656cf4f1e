// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Glibc
public import Logging
import NIOCore
import NIOPosix

/// A holder's process that listens at a unix socket, for clients that come and go: who captures and leaves the freeze to it,
/// who seals, thaws or kills later (`FreezeControl`).
///
/// It ends when its freezes are over, thawed or killed. A client that ends before it has said that everything is captured
/// (`HeldFreeze.keep`) makes it thaw at once; after that it thaws at the deadline, on demand, or when it is told to end. What
/// is sealed it never thaws: told to end it stays, and only kills. One that has died is succeeded by the next one at the
/// same socket, which thaws what was not sealed.
public struct ListeningHolder: Sendable {
    /// How many clients there may be at once.
    private static let mostClients = 64
    /// How long a client may keep it from ending by not reading its last answers.
    private static let lastAnswers = Duration.seconds(5)

    /// Where it listens.
    public var path: String
    /// containerd's socket.
    public var containerdSocket: String
    /// The containers' containerd namespace.
    public var containerdNamespace: String
    /// After how long without any freeze it ends.
    public var idleLimit: Duration
    private let logger: Logger

    /// Creates a holder.
    ///
    /// - Parameters:
    ///   - path: Where it listens, at most 107 bytes. Who may write into the folder may take its place.
    ///   - containerdSocket: containerd's socket.
    ///   - containerdNamespace: The containers' containerd namespace.
    ///   - idleLimit: After how long without any freeze it ends.
    ///   - logger: Where remarks go.
    public init(
        path: String,
        containerdSocket: String,
        containerdNamespace: String,
        idleLimit: Duration,
        logger: Logger
    ) {
        self.path = path
        self.containerdSocket = containerdSocket
        self.containerdNamespace = containerdNamespace
        self.idleLimit = idleLimit
        self.logger = logger
    }

    /// Serves until its freezes are over, or there is nothing to do.
    ///
    /// - Parameter ends: Each element tells it to end: it thaws what is not sealed, and stays if anything is sealed.
    /// - Returns: How its freezes ended.
    /// - Throws: If it cannot listen, or if containerd's socket cannot be used.
    public func run(ends: AsyncStream<Void>) async throws -> [FreezeStatus] {
        // A client that does not read its answers any more must not end us while something is frozen.
        signal(SIGPIPE, SIG_IGN)
        let journal = try HolderJournal(besideSocket: path)
        let earlier = try journal.freezes()
        if !earlier.isEmpty { try await waitForContainerd() }
        return try await ContainerdClient.withClient(
            socket: containerdSocket,
            namespace: containerdNamespace,
            logger: logger
        ) { client in
            let left = try await freezes(earlier, client)
            guard earlier.isEmpty || !left.isEmpty else {
                // What an earlier one has begun is over.
                unlink(path)
                journal.clear()
                return []
            }
            let table = HolderTable(client: client, journal: journal)
            try await serve(table, takingOver: left, ends: ends)
            journal.clear()
            return await table.statuses()
        }
    }

    /// An earlier holder may have left something frozen: to end because containerd is not there now would help nobody.
    private func waitForContainerd() async throws {
        while let advice = SocketDiagnosis(socket: containerdSocket).advice {
            logger.error("Nobody knows yet what an earlier holder has left", metadata: ["containerd": "\(advice)"])
            try await Task.sleep(for: .seconds(1))
        }
    }

    /// Those freezes of an earlier holder that are not over, as soon as containerd can tell.
    private func freezes(_ ids: Set<String>, _ client: ContainerdClient) async throws -> [FreezeRecord] {
        guard !ids.isEmpty else { return [] }
        let recovery = FreezeRecovery(client: client)
        var pause = Duration.milliseconds(50)
        while true {
            do {
                return try await recovery.records().filter { ids.contains($0.id) }
            } catch {
                logger.error("Nobody knows yet what an earlier holder has left", metadata: ["error": "\(error)"])
                try await Task.sleep(for: pause)
                pause = min(pause * 2, .seconds(5))
            }
        }
    }

    private func serve(_ table: HolderTable, takingOver left: [FreezeRecord], ends: AsyncStream<Void>) async throws {
        let server = try await listen()
        defer { unlink(path) }
        try await withThrowingDiscardingTaskGroup { group in
            for record in left {
                logger.warning("An earlier holder has left a freeze", metadata: ["freeze": "\(record.id)"])
                group.addTask { await table.takeOver(record) }
            }
            group.addTask {
                for await _ in ends { await table.end() }
            }
            group.addTask {
                try? await Task.sleep(for: idleLimit)
                if !Task.isCancelled { table.endIfUnused() }
            }
            group.addTask {
                do {
                    try await accept(server, table)
                } catch is CancellationError {
                    // All is over.
                } catch {
                    // Without clients it can only thaw. The next one at this socket takes over what is sealed.
                    await table.end()
                    table.giveUp()
                    throw error
                }
            }
            await table.isOver.wait()
            await waitUntilQuiet(table)
            group.cancelAll()
        }
    }

    private func waitUntilQuiet(_ table: HolderTable) async {
        await withDiscardingTaskGroup { group in
            group.addTask {
                try? await Task.sleep(for: Self.lastAnswers)
                table.isQuiet.open()
            }
            await table.isQuiet.wait()
            group.cancelAll()
        }
    }
}

/// Its clients.
extension ListeningHolder {
    private typealias Clients = NIOAsyncChannel<(any Channel)?, Never>

    private func listen() async throws -> Clients {
        let socket = try HolderListener.open(at: path)
        return try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            // Nothing is read before it is served: one that comes at the very end never is.
            .childChannelOption(.autoRead, value: false)
            .bind(socket) { channel in
                HolderListener.isAllowed(channel).flatMap { isAllowed in
                    guard !isAllowed else { return channel.eventLoop.makeSucceededFuture(channel) }
                    logger.warning("A client of another user is refused")
                    return channel.close().map { nil }
                }
            }
    }

    private func accept(_ server: Clients, _ table: HolderTable) async throws {
        let clients = ClientCount(limit: Self.mostClients)
        try await server.executeThenClose { inbound in
            try await withThrowingDiscardingTaskGroup { group in
                for try await case let client? in inbound {
                    guard clients.enter() else {
                        client.close(promise: nil)
                        continue
                    }
                    group.addTask {
                        defer { clients.leave() }
                        await serve(client, table)
                    }
                }
            }
        }
    }

    private func serve(_ client: any Channel, _ table: HolderTable) async {
        await withTaskCancellationHandler {
            do {
                let lines = try await client.eventLoop.submit { try HolderConversation.makeLines(client) }.get()
                try await lines.executeThenClose { inbound, outbound in
                    try await client.setOption(.autoRead, value: true).get()
                    let answers = HolderAnswers(outbound: outbound)
                    await answers.send(.ready)
                    await HolderConversation(table: table, aftermath: .drain, logger: logger).run(inbound, answers)
                }
            } catch {
                logger.debug("A client is gone", metadata: ["error": "\(error)"])
            }
        } onCancel: {
            // One that does not read would keep us.
            client.close(promise: nil)
        }
    }
}
