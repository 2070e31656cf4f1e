// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Synchronization

import struct Foundation.Date

/// What this server has seen of the use of sandboxes, whether it is written down or not.
final class AccessLedger: Sendable {
    private struct Line {
        var seen = Date.distantPast
        var renewed: Date?
        var isWriting = false
    }

    private let lines = Mutex<[String: Line]>([:])

    /// When a sandbox was last seen to be used by way of this server.
    func lastSeen(_ id: String) -> Date? { lines.withLock { $0[id]?.seen } }

    /// Notes an access.
    ///
    /// - Returns: When this server has renewed the sandbox last; nil in nil while what an earlier access changes is being
    ///   written.
    func see(_ id: String, at: Date) -> Date?? {
        lines.withLock { lines in
            var line = lines[id] ?? Line()
            line.seen = max(line.seen, at)
            defer { lines[id] = line }
            if line.isWriting { return .none }
            line.isWriting = true
            return .some(line.renewed)
        }
    }

    /// Ends the writing that `see` began.
    func wrote(_ id: String, renewed: Date?) {
        lines.withLock { lines in
            lines[id]?.isWriting = false
            if let renewed { lines[id]?.renewed = renewed }
        }
    }

    /// Forgets a sandbox that is gone.
    func forget(_ id: String) { lines.withLock { $0[id] = nil } }
}
