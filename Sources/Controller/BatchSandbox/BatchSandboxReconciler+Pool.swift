// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import KubeClient
import KubeModels
import KubeRuntime
import SandboxModels

/// Sandboxes whose pods are of a pool.
extension BatchSandboxReconciler {
    /// Whether a sandbox only waits for its pool. Of such a one nothing is written down: there may be very many at once.
    func isUnserved(_ sandbox: BatchSandbox, _ decision: AggregateDecision) -> Bool {
        guard sandbox.isPooled, sandbox.metadata.annotations[OpenSandbox.Annotation.record] == nil,
            let allocation = try? sandbox.allocation(OpenSandbox.Annotation.allocStatus)
        else { return false }
        return allocation.pods.isEmpty && decision.record.phase == .pending
    }

    /// Tells what there is to tell because of its pool: in a condition, and in an Event if somebody has to do something.
    func tell(_ notice: SandboxNotice, in status: inout BatchSandboxStatus, of sandbox: BatchSandbox) {
        let earlier = sandbox.status?.conditions[BatchSandboxCondition.progressing.rawValue]
        notice.tell(in: &status, since: earlier?.lastTransitionTime ?? Timestamp(now()))
        guard notice.isTrouble, earlier?.message != notice.message else { return }
        recorder.record(.warning, about: sandbox, reason: notice.reason, notice.message)
    }

    /// Deletes a pool's pod, by its UID, whatever the pool does with those that it gets back: what is in it is the sandbox's.
    func delete(pooled pod: Pod, attempt: Int, of identity: String, _ sandbox: BatchSandbox) async throws {
        let record = try BatchSandboxState.storedRecord(in: sandbox)
        guard let member = record?.members.first(where: { $0.recorded.identity == identity })?.recorded,
            member.endsPooledPod, member.attemptOfPooledPod == attempt
        else { return }
        // A sandbox that was just deleted may have given it back, and somebody else got it.
        let current = try await resource(of: sandbox).find(sandbox.metadata.name)
        guard let current, current.metadata.uid == sandbox.metadata.uid,
            try current.heldPods().contains(pod.metadata.name)
        else { return }
        try await delete(pod)
    }
}
