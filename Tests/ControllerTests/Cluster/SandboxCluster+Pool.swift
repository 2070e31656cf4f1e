// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import KubeClient
import KubeModels
import KubeRuntime
import SandboxModels

@testable import Controller

/// What a pool's controller leaves behind when it has served a sandbox.
extension SandboxCluster {
    /// Makes a pool, and pods of it that are ready. It is to make no others.
    ///
    /// - Parameter names: What the pods are called.
    func createPool(_ name: String = "pool", pods names: [String]) async throws -> [Pod] {
        let pools: ResourceClient<Pool> = client.resource(in: .named(namespace))
        var pool = try await pools.find(name)
        if pool == nil {
            pool = try await pools.create(
                .with {
                    $0.metadata.name = name
                    $0.spec.capacitySpec.poolMax = 100
                    $0.spec.capacitySpec.bufferMax = 100
                    $0.spec.recycleStrategy = .with { $0.type = .noop }
                }
            )
        }
        guard let owner = pool else { return [] }
        let revision = try owner.revision()
        // Pods are refused until their account has its token.
        for try await event in client.resource(ServiceAccount.self, in: .named(namespace)).watch() {
            if event.object?.metadata.name == "default", event.object?.secrets.isEmpty == false { break }
        }
        for name in names {
            _ = try await pods.create(
                .with {
                    $0.metadata.name = name
                    $0.metadata.labels = [
                        "app": "sandbox", OpenSandbox.Label.poolName: owner.metadata.name,
                        OpenSandbox.Label.poolRevision: revision,
                    ]
                    $0.metadata.ownerReferences = [owner.controllerReference()]
                    $0.spec.containers = [
                        .with {
                            $0.name = "main"
                            $0.image = image
                            $0.command = ["/bin/sh", "-c", "trap 'exit 0' TERM; while :; do sleep 1; done"]
                        }
                    ]
                    $0.spec.terminationGracePeriodSeconds = 1
                }
            )
        }
        var ready: [Pod] = []
        for name in names {
            let pod = try await wait(in: pods, for: name) { change in
                if case .deleted = change { return nil }
                return change.object.status?.conditions.isTrue("Ready") == true ? change.object : nil
            }
            ready.append(pod)
        }
        return ready
    }

    /// Creates a sandbox that a pool has already given these pods.
    ///
    /// - Parameter isWritten: Whether the pool has written down the rest as well.
    @discardableResult
    func createPooled(_ name: String, pods: [Pod], isWritten: Bool = false) async throws -> BatchSandbox {
        let created = try await sandboxes.create(
            .with {
                $0.metadata.name = name
                $0.metadata.finalizers = [OpenSandbox.Finalizer.poolAllocation]
                let allocation = PodAllocation(pods: pods.map(\.metadata.name)).jsonText
                $0.metadata.annotations[OpenSandbox.Annotation.allocStatus] = allocation
                $0.spec.replicas = pods.count
                $0.spec.poolRef = "pool"
            }
        )
        guard isWritten else { return created }
        let annotations = BatchSandboxState.annotationsAtAllocation(of: created, pods: pods)
        return try await sandboxes.patch(
            name,
            .merge(MergePatch(["metadata": ["annotations": .object(annotations)]]))
        )
    }
}
