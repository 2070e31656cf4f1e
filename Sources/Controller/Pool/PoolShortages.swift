// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import KubeRuntime
import Synchronization

/// How many pods sandboxes lack because their pools have none to give, for whoever tells their owners.
final class PoolShortages: Sendable {
    private struct Shortage: Equatable {
        let missing: Int
        let reason: String
    }

    private let shortages = Mutex<[ObjectKey: Shortage]>([:])

    /// How many pods a sandbox lacks; nil if none, or if nobody has looked yet.
    func missing(_ sandbox: ObjectKey) -> Int? { shortages.withLock { $0[sandbox]?.missing } }

    /// Takes note of it.
    ///
    /// - Parameters:
    ///   - count: Nil if it lacks none.
    ///   - reason: Why, in one word.
    /// - Returns: Whether that is news.
    func set(_ sandbox: ObjectKey, missing count: Int?, reason: String = "") -> Bool {
        let shortage = count.map { Shortage(missing: $0, reason: reason) }
        return shortages.withLock { shortages in
            defer { shortages[sandbox] = shortage }
            return shortages[sandbox] != shortage
        }
    }
}
