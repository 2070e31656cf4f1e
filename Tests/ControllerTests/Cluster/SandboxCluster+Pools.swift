// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import KubeClient
import KubeModels
import KubeRuntime
import SandboxModels
import TestSupport

/// Pools of a namespace, and sandboxes with pods of them.
extension SandboxCluster {
    var pools: ResourceClient<Pool> { client.resource(in: .named(namespace)) }

    /// Creates a pool whose pods do nothing.
    @discardableResult
    func createPool(
        _ name: String,
        buffer: ClosedRange<Int> = 0...0,
        pool: ClosedRange<Int> = 0...20,
        recycling: RecycleType? = nil,
        _ change: (inout Pool) -> Void = { _ in }
    ) async throws -> Pool {
        let template = PodTemplateSpec.with {
            $0.spec.containers = [
                .with {
                    $0.name = "main"
                    $0.image = image
                    $0.command = ["/bin/sh", "-c", "trap 'exit 0' TERM; while :; do sleep 1; done"]
                }
            ]
            $0.spec.terminationGracePeriodSeconds = 1
        }
        var object = Pool()
        object.metadata.name = name
        object.spec.template = RawJSON(template)
        object.spec.capacitySpec = .with {
            ($0.bufferMin, $0.bufferMax) = (buffer.lowerBound, buffer.upperBound)
            ($0.poolMin, $0.poolMax) = (pool.lowerBound, pool.upperBound)
        }
        object.spec.scaleStrategy = .with { $0.maxUnavailable = "100%" }
        if let recycling { object.spec.recycleStrategy = .with { $0.type = recycling } }
        change(&object)
        return try await pools.create(object)
    }

    /// Waits until a pool is as it should be.
    @discardableResult
    func wait(forPool name: String, until isSo: @escaping @Sendable (PoolStatus) -> Bool) async throws -> Pool {
        try await wait(in: pools, for: name) { change in
            guard let status = change.object.status, isSo(status) else { return nil }
            return change.object
        }
    }

    /// Creates a sandbox that gets its pods of a pool.
    @discardableResult
    func createPooled(_ name: String, of pool: String, replicas: Int = 1) async throws -> BatchSandbox {
        try await sandboxes.create(
            .with {
                $0.metadata.name = name
                $0.spec.replicas = replicas
                $0.spec.poolRef = pool
            }
        )
    }

    /// Waits until a sandbox has so many pods, and returns them.
    func waitForPods(_ count: Int, of name: String) async throws -> [String] {
        try await wait(for: name) { $0.heldPods.count == count }.heldPods
    }

    /// Which pods sandboxes have, and which they have had and given back.
    func allocations() async throws -> [String: [String]] {
        let all = try await sandboxes.list().items
        return Dictionary(uniqueKeysWithValues: all.map { ($0.metadata.name, $0.heldPods) })
    }

    func delete(sandbox name: String) async throws {
        _ = try await sandboxes.delete(name)
        try await waitUntilGone(sandbox: name)
    }

    func label(pod name: String, _ key: String) async throws {
        _ = try await pods.patch(name, .merge(MergePatch(["metadata": ["labels": [key: ""]]])))
    }
}

extension BatchSandbox {
    /// The pods of a pool that it has.
    var heldPods: [String] { (try? PooledSandbox(self, pool: "").held) ?? [] }
}
