// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import KubeRuntime
import Synchronization

/// The sandboxes that no pool fits so far, and what their owners were told. A cache: at the start they are all looked at.
final class WaitingSandboxes: Sendable {
    private let told = Mutex<[ObjectKey: String]>([:])

    /// Notes that a sandbox waits. To be called before the pools are read, so that none is missed that comes in between.
    func note(_ key: ObjectKey) { told.withLock { if $0[key] == nil { $0[key] = "" } } }

    /// Notes what its owner is told.
    ///
    /// - Returns: Whether that is news.
    func tell(_ message: String, of key: ObjectKey) -> Bool {
        told.withLock { $0.updateValue(message, forKey: key) != message }
    }

    /// It waits no more.
    func forget(_ key: ObjectKey) { told.withLock { $0[key] = nil } }

    /// Those that wait; in one namespace if one is given.
    func keys(in namespace: String? = nil) -> [ObjectKey] {
        told.withLock { told in told.keys.filter { namespace == nil || $0.namespace == namespace } }
    }
}
