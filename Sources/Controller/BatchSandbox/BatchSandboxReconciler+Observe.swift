// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import KubeModels
import KubeRuntime
import SandboxModels

extension BatchSandboxReconciler {
    /// What is true outside of each member, by its identity.
    func observations(
        of record: AggregateRecord,
        _ sandbox: BatchSandbox,
        _ sightings: CaptureSightings
    ) -> [String: Observation] {
        var observations: [String: Observation] = [:]
        let queue = SnapshotQueue(of: sandbox, in: snapshots.store)
        for member in record.members {
            let identity = member.recorded.identity
            observations[identity] = Observation(
                compute: compute(of: member, sandbox, sightings),
                capture: sightings.captures[identity],
                verification: sightings.verifications[identity],
                cleaned: sightings.cleaned[identity] ?? [],
                checkpoint: queue.checkpoint(after: member.recorded.checkpoint) { uid in
                    record.member(forSnapshot: uid)?.recorded.identity == identity
                }
            )
        }
        return observations
    }

    private func compute(
        of member: AggregateRecord.Member,
        _ sandbox: BatchSandbox,
        _ sightings: CaptureSightings
    ) -> Observation.Compute {
        let recorded = member.recorded
        if let problem = sightings.refusedPods[recorded.identity] { return .ended(recorded.incarnation, problem) }
        guard let pod = pod(at: member.index, of: sandbox) else { return .absent }
        // One without a mark was created by another controller, before this one took over.
        let mark = PodMark(of: pod) ?? PodMark(member: recorded.identity, attempt: recorded.incarnation)
        let attempt = mark.attempt(of: recorded.identity)
        // An earlier member's at the same place is in the way, whatever it does.
        guard mark.member == recorded.identity else { return .stopping(attempt) }
        return pod.compute(attempt: attempt, wasUp: recorded.phase.hasComputeUp, now: now())
    }
}

extension Phase {
    /// Whether the compute of this phase has been seen to be up.
    fileprivate var hasComputeUp: Bool {
        switch self {
        case .running, .pausing, .sealing, .releasing, .thawing: true
        case .pending, .paused, .resuming, .failed, .deleting, .deleted: false
        }
    }
}
