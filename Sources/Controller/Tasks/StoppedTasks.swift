// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import KubeRuntime
import Synchronization

/// Of which captures it is known that no task runs in the sandbox: those that may begin.
///
/// A capture is named by its UID, so what was true for an earlier pause counts for no later one. Whoever writes here has seen
/// the capture in the record of the sandbox, and runs no task until it sees it there no more.
final class StoppedTasks: Sendable {
    private let stopped = Mutex<[ObjectKey: Set<String>]>([:])

    /// Whether all tasks of a sandbox are stopped for some captures.
    func areStopped(_ sandbox: ObjectKey, for captures: some Sequence<String>) -> Bool {
        stopped.withLock { stopped in captures.allSatisfy { stopped[sandbox]?.contains($0) == true } }
    }

    /// Takes note that all tasks of a sandbox are stopped for some captures.
    ///
    /// - Returns: Whether that was not known.
    func note(_ sandbox: ObjectKey, for captures: Set<String>) -> Bool {
        stopped.withLock { stopped in
            let isNews = stopped[sandbox] != captures
            stopped[sandbox] = captures
            return isNews
        }
    }

    /// The tasks of a sandbox may run, or it is gone.
    func forget(_ sandbox: ObjectKey) { stopped.withLock { _ = $0.removeValue(forKey: sandbox) } }
}
