// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Logging
import UnixSignals

extension ListeningHolder {
    /// Makes this process a holder that listens, until its freezes are over or there is nothing to do; a SIGTERM or SIGINT
    /// tells it to end.
    ///
    /// - Parameters:
    ///   - path: Where it listens.
    ///   - socket: containerd's socket.
    ///   - namespace: The containers' containerd namespace.
    ///   - idleLimit: After how long without any freeze it ends.
    /// - Returns: How its freezes ended.
    /// - Throws: What `run` throws.
    public static func runProcess(
        at path: String,
        containerdSocket socket: String,
        containerdNamespace namespace: String,
        idleLimit: Duration
    ) async throws -> [FreezeStatus] {
        let holder = ListeningHolder(
            path: path,
            containerdSocket: socket,
            containerdNamespace: namespace,
            idleLimit: idleLimit,
            logger: FreezeHolderService.becomeHolder()
        )
        let signals = await UnixSignalsSequence(trapping: .sigterm, .sigint)
        let (ends, end) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
        return try await withThrowingTaskGroup(of: [FreezeStatus]?.self) { group in
            defer { group.cancelAll() }
            group.addTask { try await holder.run(ends: ends) }
            group.addTask {
                for await _ in signals { end.yield() }
                return nil
            }
            while let statuses = try await group.next() {
                if let statuses { return statuses }
            }
            return []
        }
    }
}
