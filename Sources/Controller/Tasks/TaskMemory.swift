// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import KubeModels
import KubeRuntime
import SandboxModels
import Synchronization

/// What is known of the tasks of each sandbox. All of it can be found out again.
final class TaskMemory: Sendable {
    /// What is known of one sandbox.
    struct Entry: Sendable {
        /// Which sandbox of its name.
        var uid: String?
        var schedule: TaskSchedule
        /// How often it was looked at since something changed.
        var idleLooks = 0
        /// What its executors were last seen to refuse, or what is wrong with its template.
        var problem: String?
    }

    private let entries = Mutex<[ObjectKey: Entry]>([:])

    /// What is known of a sandbox.
    ///
    /// - Parameter afterPause: Whether nothing that was before is of any interest.
    func entry(of sandbox: BatchSandbox, afterPause: Bool) -> Entry {
        let known = entries.withLock { $0[sandbox.key] }
        if let known, known.uid == sandbox.metadata.uid { return known }
        let schedule = TaskSchedule(
            name: sandbox.metadata.name,
            count: sandbox.spec.replicas,
            results: afterPause ? [:] : sandbox.taskResults()
        )
        return Entry(uid: sandbox.metadata.uid, schedule: schedule)
    }

    /// Keeps what is known of a sandbox.
    func keep(_ entry: Entry, of key: ObjectKey) { entries.withLock { $0[key] = entry } }

    /// The sandbox is gone, or has no tasks any more.
    func forget(_ key: ObjectKey) { entries.withLock { _ = $0.removeValue(forKey: key) } }
}

extension TaskMemory.Entry {
    /// After what time to look again. A task that is to begin or to end does so within moments, so that is seen soon; after that
    /// each look is worth one call for each pod.
    func delay(wish: TaskWish) -> Duration {
        let isSilent = wish != .stop && (schedule.waitsForSilentOnes || problem != nil)
        let steps = [100, 200, 400, 800, 1600, 3000] + (isSilent ? [3000, 3000, 6000, 15000] : [])
        return .milliseconds(steps[min(idleLooks, steps.count - 1)])
    }
}
