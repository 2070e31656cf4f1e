// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import KubeClient
import KubeModels
import KubeRuntime
import SandboxModels

extension BatchSandboxReconciler {
    func place(_ index: Int, of sandbox: BatchSandbox) -> PodPlace {
        PodPlaces.place(index, of: sandbox, in: pods.store)
    }

    func subject(_ index: Int, of sandbox: BatchSandbox) -> SnapshotSubject {
        SnapshotSubject(of: sandbox, place(index, of: sandbox).pod)
    }

    func newPod(at index: Int, of sandbox: BatchSandbox, from artifact: Artifact?) -> NewPod {
        // Its pool will allocate one.
        if sandbox.isPooled, artifact == nil { return .notOurs }
        do {
            return .pod(try sandbox.pod(at: index))
        } catch {
            // Nothing but another template mends it.
            return .refused(Problem("PodNotMade", "The pod cannot be made: \(error)"))
        }
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
