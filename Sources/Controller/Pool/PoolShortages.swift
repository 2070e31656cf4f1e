// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import KubeRuntime
import Synchronization

/// How many pods sandboxes lack because their pools have none to give, for whoever tells their owners.
final class PoolShortages: Sendable {
    private let missing = Mutex<[ObjectKey: Int]>([:])

    /// How many pods a sandbox lacks; nil if none, or if nobody has looked yet.
    func missing(_ sandbox: ObjectKey) -> Int? { missing.withLock { $0[sandbox] } }

    /// Takes note of it.
    ///
    /// - Parameter count: Nil if it lacks none.
    /// - Returns: Whether that is news.
    func set(_ sandbox: ObjectKey, missing count: Int?) -> Bool {
        missing.withLock { missing in
            defer { missing[sandbox] = count }
            return missing[sandbox] != count
        }
    }
}
