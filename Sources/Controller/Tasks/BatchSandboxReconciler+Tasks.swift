// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import KubeModels
import KubeRuntime
import SandboxModels
import SnapshotProvider

import struct Foundation.Date

/// A pause begins when the tasks are stopped: what is in the image is then what a task has left, and the task is run again from
/// its beginning after the resume.
extension BatchSandboxReconciler {
    /// Whether nothing of a sandbox's tasks runs that could be captured.
    func tasksAreStopped(for captures: [String], of sandbox: BatchSandbox) -> Bool {
        sandbox.spec.taskTemplate == nil || stoppedTasks.areStopped(sandbox.key, for: captures)
    }

    /// For how long to wait for the tasks to be stopped before captures may begin, at most; nil if they are, or if they should
    /// have been by now. Whoever stops them has the sandbox looked at when they are.
    ///
    /// - Parameter captures: Their UIDs, and until when they may take.
    func wait(before captures: [(uid: String, deadline: Date)], of sandbox: BatchSandbox) -> Duration? {
        guard !tasksAreStopped(for: captures.map(\.uid), of: sandbox),
            let deadline = captures.map(\.deadline).min()
        else { return nil }
        let timeout = min(settings.taskStopTimeout, settings.policy.captureTimeout / 2)
        let begun = deadline.addingTimeInterval(-settings.policy.captureTimeout)
        let left = begun.addingTimeInterval(timeout).timeIntervalSince(now())
        return left > 0 ? .seconds(left) : nil
    }

    func check(
        _ capture: String,
        of sandbox: BatchSandbox,
        by provider: any SnapshotProvider
    ) throws(SnapshotFailure) {
        guard tasksAreStopped(for: [capture], of: sandbox) else { throw tasksNotStopped(sandbox) }
    }

    /// Pods go when the tasks have ended, in their own way.
    func mayEnd(_ sandbox: BatchSandbox) -> Bool { !sandbox.isEndingTasks }

    /// Why a pause does not come about whose tasks go on.
    private func tasksNotStopped(_ sandbox: BatchSandbox) -> SnapshotFailure {
        SnapshotFailure(
            "TasksNotStopped",
            "The tasks of \(sandbox.metadata.name) were not stopped within \(Int(settings.taskStopTimeout)) s, so nothing was "
                + "captured and they go on. Look at the task executors of its pods, then pause it again."
        )
    }
}

extension BatchSandbox {
    /// Whether it is being deleted, and its tasks have not ended yet.
    var isEndingTasks: Bool {
        metadata.deletionTimestamp != nil && metadata.finalizers.contains(OpenSandbox.Finalizer.taskCleanup)
    }
}
