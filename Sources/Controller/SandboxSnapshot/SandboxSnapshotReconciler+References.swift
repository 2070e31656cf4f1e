// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import KubeClient
import KubeModels
import KubeRuntime
import SandboxModels

extension SandboxSnapshotReconciler {
    /// Something in the cluster that refers to an image of an artifact, by digest or by tag; nil if nothing does.
    ///
    /// - Throws: What the API server did not do. Nothing may be deleted then.
    func holder(of artifact: Artifact, except snapshot: SandboxSnapshot) async throws -> String? {
        let names = artifact.parts.flatMap { [$0.digest, $0.reference] }
        let isNamed = { (text: String) in names.contains { text.contains($0) } }
        for other in snapshots.store.objects
        where other.metadata.uid != snapshot.metadata.uid && other.metadata.deletionTimestamp == nil {
            if other.status?.containers.contains(where: { isNamed($0.imageDigest ?? "") }) == true {
                return "SandboxSnapshot \(other.key)"
            }
        }
        // The template, and what the machine has written down.
        for sandbox in sandboxes.store.objects where isNamed(sandbox.plainText) { return "BatchSandbox \(sandbox.key)" }
        for pod in pods.store.objects {
            let containers = pod.spec.initContainers + pod.spec.containers
            let statuses = (pod.status?.initContainerStatuses ?? []) + (pod.status?.containerStatuses ?? [])
            if containers.contains(where: { isNamed($0.image ?? "") })
                || statuses.contains(where: { isNamed($0.imageID) })
            {
                return "Pod \(pod.key)"
            }
        }
        do {
            let pools = try await client.resource(Pool.self, in: .all).list()
            for pool in pools.items where isNamed(pool.plainText) { return "Pool \(pool.key)" }
        } catch let error as KubeError where error.isNotFound {
            // There are no pools in this cluster.
        }
        return nil
    }
}

extension KubeResource {
    /// All of it in JSON. Slashes are not escaped in it.
    fileprivate var plainText: String { jsonText }
}
