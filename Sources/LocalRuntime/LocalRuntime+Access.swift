// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Logging
public import SandboxModels
import Synchronization

public import struct Foundation.Date

/// Following sandboxes, and hearing when they are used.
extension LocalRuntime {
    /// One sandbox as it is now, and then after each change of it; of several changes that nobody has read only the newest is
    /// kept. The stream ends when the sandbox is gone.
    ///
    /// - Throws: `SandboxError` with `notFound`.
    public func changes(of id: String) async throws -> AsyncStream<Sandbox> {
        let runner = try await runner(id)
        let cursor = Cursor()
        return AsyncStream {
            guard let change = await runner.change(after: cursor.seen) else { return nil }
            cursor.see(change.version)
            return change.sandbox
        }
    }

    /// The version that one reader has seen last.
    private final class Cursor: Sendable {
        private let version = Mutex<Int?>(nil)
        var seen: Int? { version.withLock { $0 } }
        func see(_ new: Int) { version.withLock { $0 = new } }
    }

    /// Renews a sandbox that asks for it by its extension `access.renew.extend.seconds` whenever it is used, if it expires at
    /// all. Not for each second that would be won: a renewal is a durable write.
    public func recordAccess(_ id: String, at date: Date) async {
        guard let sandbox = try? await sandbox(id), let expiresAt = sandbox.expiresAt,
            let seconds = sandbox.spec.extensions["access.renew.extend.seconds"].flatMap(Double.init), seconds > 0
        else { return }
        let renewed = date.addingTimeInterval(seconds)
        guard renewed.timeIntervalSince(expiresAt) >= min(60, seconds / 10) else { return }
        do {
            try await renew(id, until: renewed)
        } catch {
            logger.warning("a sandbox that is used was not renewed", metadata: ["sandbox": "\(id)", "error": "\(error)"])
        }
    }
}
