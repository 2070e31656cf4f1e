// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import KubeClient
import KubeModels
import KubeRuntime
import SandboxModels

extension BatchSandboxReconciler {
    /// What comes next for a sandbox that is seen to be so.
    func decide(
        _ state: BatchSandboxState,
        _ sandbox: BatchSandbox,
        _ places: PodPlaces,
        _ sightings: CaptureSightings
    ) -> AggregateDecision {
        Aggregate.decide(
            intent: state.wanted(of: sandbox),
            recorded: state.record,
            now: now(),
            policy: settings.policy
        ) { observations(of: $0, sandbox, places, sightings) }
    }

    /// What is true outside of each member, by its identity.
    private func observations(
        of record: AggregateRecord,
        _ sandbox: BatchSandbox,
        _ places: PodPlaces,
        _ sightings: CaptureSightings
    ) -> [String: Observation] {
        var observations: [String: Observation] = [:]
        let queue = SnapshotQueue(of: sandbox, in: snapshots.store)
        let meant = queue.waiting.reduce(into: [String: String]()) {
            $0[$1] = record.member(forSnapshot: $1)?.recorded.identity
        }
        for member in record.members {
            let identity = member.recorded.identity
            observations[identity] = Observation(
                compute: compute(of: member, places, sightings),
                capture: sightings.captures[identity],
                verification: sightings.verifications[identity],
                cleaned: sightings.cleaned[identity] ?? [],
                checkpoint: queue.checkpoint(after: member.recorded.checkpoint) { meant[$0] == identity },
                isGivenAway: places[member.index].isGivenBack
            )
        }
        return observations
    }

    private func compute(
        of member: AggregateRecord.Member,
        _ places: PodPlaces,
        _ sightings: CaptureSightings
    ) -> Observation.Compute {
        let recorded = member.recorded
        if let problem = sightings.refusedPods[recorded.identity] { return .ended(recorded.incarnation, problem) }
        return places[member.index].compute(of: recorded, gone: sightings.gonePods, now: now())
    }

    /// The pods at the places of a sandbox and of its members.
    func places(of sandbox: BatchSandbox, _ state: BatchSandboxState) -> PodPlaces {
        let last = state.record.members.map(\.index).max() ?? -1
        return PodPlaces(of: sandbox, count: max(state.replicas(of: sandbox), last + 1), in: pods.store)
    }

    /// Asks the API server for pods of a pool that are not in the cache: what follows from their loss cannot be taken back.
    func confirmLosses(
        _ places: PodPlaces,
        _ record: AggregateRecord,
        of sandbox: BatchSandbox,
        _ sightings: inout CaptureSightings
    ) async throws {
        for member in record.members where member.recorded.dependsOnPooledPod {
            guard case .missing(let name) = places[member.index], !sightings.gonePods.contains(name) else { continue }
            let pods = client.resource(Pod.self, in: .named(sandbox.metadata.namespace ?? "default"))
            let found = try await pods.find(name)
            if found?.isOfPool != true { sightings.gonePods.insert(name) }
        }
    }
}
