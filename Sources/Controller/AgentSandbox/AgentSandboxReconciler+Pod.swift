// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import KubeModels
import KubeRuntime
import SandboxModels
import SnapshotProvider

/// The pod of a sandbox, which upstream's controller has made. It need not have the sandbox's name: one of a warm pool has its own.
extension AgentSandboxReconciler {
    func place(_ index: Int, of sandbox: Sandbox) -> PodPlace {
        guard index == 0, let pod = pod(of: sandbox) else { return .vacant }
        return .own(pod)
    }

    func subject(_ index: Int, of sandbox: Sandbox) -> SnapshotSubject {
        SnapshotSubject(of: sandbox, place(index, of: sandbox).pod, template: try? sandbox.podTemplate())
    }

    /// The pod that is captured, and no other, while there is a capture; else the only one that is not going away, else one that is.
    private func pod(of sandbox: Sandbox) -> Pod? {
        let pods = pods(of: sandbox)
        let record = try? MachineState.storedRecord(in: sandbox)
        if let capture = record?.members.first?.recorded.phase.capture,
            let request = request(capture.uid, of: sandbox, at: 0)
        {
            return pods.first { $0.metadata.uid == request.source.podUID }
        }
        let staying = pods.filter { $0.metadata.deletionTimestamp == nil }
        if staying.count > 1 { return nil }
        return staying.first ?? pods.first
    }

    private func pods(of sandbox: Sandbox) -> [Pod] {
        pods.store.objects(.owner, sandbox.metadata.uid ?? "").filter { $0.isControlled(by: sandbox) }
    }

    /// What is seen, and what follows from what was asked of upstream's controller: it takes a while to act upon that.
    func compute(
        _ place: PodPlace,
        of recorded: Recorded,
        _ sandbox: Sandbox,
        _ sightings: CaptureSightings
    ) -> Observation.Compute {
        let seen = place.compute(of: recorded, gone: sightings.gonePods, now: now())
        guard sandbox.metadata.deletionTimestamp == nil else { return seen }
        let attempt = recorded.incarnation
        switch recorded.phase {
        case .pausing, .sealing, .releasing, .thawing, .failed, .deleting, .deleted:
            return seen
        case .pending, .running:
            guard sandbox.isSuspended else { break }
            // Whoever has done that has not asked for a snapshot, and there is no time for one.
            return place.pod == nil ? .ended(attempt, .suspendedWithoutSnapshot) : .stopping(attempt)
        case .resuming:
            let isStarted = AgentSandboxNotes(of: sandbox).startedAttempt == attempt
            if sandbox.isSuspended {
                if isStarted { return .ended(attempt, .suspendedWhileResuming) }
                return place.pod == nil ? .absent : .stopping(attempt)
            }
            if place.pod == nil, isStarted { return .starting(attempt) }
        case .paused:
            if place.pod == nil, !sandbox.isSuspended { return .starting(attempt) }
        }
        // With several, upstream's controller does nothing either until somebody has deleted all but one.
        let isClear = pods(of: sandbox).count { $0.metadata.deletionTimestamp == nil } < 2
        return isClear ? seen : .unknown
    }

    /// Whether a sandbox that has failed has a pod that runs: upstream's controller makes another one where one is gone.
    func isRunAnew(_ sandbox: Sandbox) -> Bool {
        guard !sandbox.isSuspended, sandbox.metadata.deletionTimestamp == nil,
            let pod = place(0, of: sandbox).pod
        else { return false }
        if case .running = pod.compute(attempt: 0, wasUp: false, now: now()) { return true }
        return false
    }
}
