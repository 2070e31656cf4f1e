// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import KubeModels
import KubeRuntime
import SandboxModels
import Synchronization

import struct Foundation.Date

/// What a controller remembers of pools between two looks: only what the API server has already answered and the caches do not
/// show yet, and who had a pod. All of it is found again after a restart.
final class PoolMemory: Sendable {
    /// What is remembered of one pool.
    struct Entry: Sendable {
        /// The Pool as it was answered last.
        var pool: Pool?
        /// Whether this controller has taken the pool over, and has read all sandboxes after that.
        var isHeld = false
        /// Until when the pool is left to another controller.
        var rest: Date?
        /// Sandboxes as they were answered, which the cache may not show yet.
        var answered: [ObjectKey: BatchSandbox] = [:]
        /// Pods that are being deleted, which the cache may not show yet.
        var deleted: Set<String> = []
        /// Who had which pod at the last look: its UID.
        var holders: [String: String] = [:]
        /// Sandboxes that have given everything back and are about to be gone.
        var left: Set<String> = []
        /// When the status was written last.
        var told: Date?
    }

    private let entries = Mutex<[ObjectKey: Entry]>([:])

    /// What is remembered of a pool. Only one look at a pool takes place at a time.
    subscript(pool: ObjectKey) -> Entry {
        get { entries.withLock { $0[pool] ?? Entry() } }
        set { entries.withLock { $0[pool] = newValue } }
    }

    /// A pool is of no interest any more.
    func forget(_ pool: ObjectKey) { entries.withLock { _ = $0.removeValue(forKey: pool) } }
}
