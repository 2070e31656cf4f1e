// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import KubeModels
import SandboxModels

/// What is wanted of the tasks of a sandbox, by the object alone.
struct TaskAim: Hashable {
    /// What is wanted.
    var wish: TaskWish
    /// How many tasks there are.
    var count: Int
    /// The captures that wait for the tasks to be stopped, by their UIDs.
    var captures: Set<String> = []
    /// Whether captures may have been begun, or are being ended, so that its pods may be frozen.
    var isFrozen = false
    /// Whether only its artifact is left.
    var isPaused = false
    /// Whether there will never be tasks again: when all are stopped, the finalizer may go.
    var isLast = false

    /// Whether captures wait for the tasks to be stopped.
    var waitsForCapture: Bool { !captures.isEmpty && !isLast }

    /// - Throws: `BatchSandboxState.Unreadable`.
    init(of sandbox: BatchSandbox) throws(BatchSandboxState.Unreadable) {
        count = sandbox.spec.replicas
        isLast = sandbox.metadata.deletionTimestamp != nil || sandbox.spec.taskTemplate == nil
        wish = isLast ? .stop : .run(releasesPods: sandbox.spec.taskResourcePolicyWhenCompleted == .release)
        guard let record = try BatchSandboxState.storedRecord(in: sandbox) else { return }
        switch record.phase {
        case .pausing:
            wish = .stop
            captures = Set(record.replicas.compactMap { $0.recorded.phase.capture?.uid })
        case .sealing, .releasing, .thawing:
            wish = .stop
            isFrozen = !isLast
        case .paused:
            wish = .stop
            isPaused = true
        case .pending, .running, .resuming, .failed, .deleting, .deleted: break
        }
    }
}
