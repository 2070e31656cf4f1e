// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import KubeRuntime
import Synchronization

/// How many pods their pools still owe to sandboxes. Who serves the pools finds it, and who tells people of sandboxes tells it.
final class PoolShortages: Sendable {
    private let counts = Mutex<[ObjectKey: Int]>([:])

    /// How many pods a sandbox still waits for; nil if it waits for none.
    func missing(_ key: ObjectKey) -> Int? { counts.withLock { $0[key] } }

    /// Takes note of how many pods a sandbox waits for, nil for none.
    ///
    /// - Returns: Whether that is another number than before.
    func set(_ key: ObjectKey, missing: Int?) -> Bool {
        counts.withLock { counts in
            defer { counts[key] = missing }
            return counts[key] != missing
        }
    }
}
