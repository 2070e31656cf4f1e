// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

public import Logging

/// What whoever has not begun a freeze can ask of it. Asking twice comes to the same.
public enum FreezeControl: String, Sendable, Hashable, Codable, CaseIterable {
    /// What it is like.
    case status
    /// The point of no return. It is for a freeze of which everything is captured; another one is left as it is.
    case seal
    /// To thaw it unless it is sealed. One that was not begun never begins.
    case thaw
    /// To end all processes of a sealed freeze without letting them run one more instruction; another one is left as it is.
    case kill

    /// Asks the holder that listens at a socket.
    ///
    /// - Parameters:
    ///   - id: The freeze's ID.
    ///   - holder: Where the holder listens.
    ///   - logger: Where remarks go.
    /// - Returns: What the freeze is like afterwards.
    /// - Throws: If nobody can say that now, or if containerd did not do it; ask again.
    public func ask(about id: String, of holder: HolderSocket, logger: Logger) async throws -> FreezeStatus {
        try await HolderConnection.with(holder, logger: logger) { connection in
            try await connection.ask(self, about: id)
        }
    }
}

extension HolderConnection {
    /// Asks about a freeze that somebody may have begun.
    func ask(_ control: FreezeControl, about id: String) async throws -> FreezeStatus {
        guard case .status(let status) = try await ask(.control(control, id: id), about: id) else {
            throw FreezeError.holderLost(id: id)
        }
        return status
    }

    /// Connects to a holder that listens for as long as `body` runs.
    static func with<Result: Sendable>(
        _ holder: HolderSocket,
        logger: Logger,
        _ body: @escaping @Sendable (HolderConnection) async throws -> Result
    ) async throws -> Result {
        let connection = HolderConnection(origin: .listening(holder), logger: logger)
        return try await withThrowingTaskGroup(of: Result?.self) { group in
            defer { group.cancelAll() }
            group.addTask {
                await connection.run()
                return nil
            }
            group.addTask {
                try await connection.waitUntilReady()
                return try await body(connection)
            }
            while let result = try await group.next() {
                if let result { return result }
            }
            throw CancellationError()
        }
    }
}
