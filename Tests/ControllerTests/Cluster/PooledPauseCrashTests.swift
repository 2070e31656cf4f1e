// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import KubeClient
import KubeModels
import SandboxModels
import TestSupport
import Testing

/// The controller ends at any of the writes by which a sandbox leaves its pool, and another one goes on.
@Suite("A controller that ends while it pauses a sandbox with a pool's pod")
struct PooledPauseCrashTests {
    @Test(
        "leaves nothing from which the sandbox does not come back",
        .timeLimit(.minutes(20)),
        arguments: [false, true]
    )
    func crash(isAfter: Bool) async throws {
        try await SandboxCluster.run(isControlled: false) { cluster in
            let steps = Steps()
            try await cluster.withHastyPods {
                try await cluster.withSteps(steps) { try await walk(steps, $0, isAfter: isAfter, in: cluster) }
            }
        }
    }

    private func walk(_ steps: Steps, _ stepped: KubeClient, isAfter: Bool, in cluster: SandboxCluster) async throws {
        var pods: [Pod] = []
        var step = 0
        var isReached = true
        while isReached {
            if step == pods.count { pods += try await serve(pods.count..<pods.count + 8, in: cluster) }
            let pod = pods[step]
            let name = "box-of-\(pod.metadata.name)"
            step += 1
            let plan = (step: step, isAfter: isAfter)
            isReached = try await cluster.control(stepped, until: plan, of: steps) {
                try await expectPause(of: name, in: cluster)
            }
            // Nothing but the controller deletes it.
            let left = try await cluster.pods.find(pod.metadata.name)
            if left?.metadata.deletionTimestamp != nil || left == nil {
                let sandbox = try await cluster.sandboxes.get(name)
                #expect(sandbox.spec.template != nil, "its pod is gone without a template: \(sandbox.jsonText)")
            }
            try await cluster.control(cluster.client) { try await expectPause(of: name, in: cluster) }
            try await cluster.waitUntilGone(in: cluster.pods, pod.metadata.name)
            #expect(cluster.provider.begun.count == step, "a pause captures once")
        }
        // It writes down what it asks for, that it seals, that it releases, the deletion of the pod, and that it is paused.
        #expect(step > 8)
        #expect(cluster.provider.mistakes.isEmpty)
        let paused = pods.prefix(step).map { "box-of-\($0.metadata.name)" }
        try await cluster.control(cluster.client) {
            for name in paused { try await cluster.setPause(false, of: name) }
            for name in paused {
                try await cluster.wait(for: name) { $0.status?.phase == .succeed && $0.status?.ready == 1 }
            }
        }
    }

    /// Makes sandboxes that run, each with a pod of the pool.
    private func serve(_ numbers: Range<Int>, in cluster: SandboxCluster) async throws -> [Pod] {
        let pods = try await cluster.createPool(pods: numbers.map { "pool-\($0)" })
        for pod in pods { try await cluster.createPooled("box-of-\(pod.metadata.name)", pods: [pod], isWritten: true) }
        try await cluster.control(cluster.client) {
            for pod in pods {
                try await cluster.wait(for: "box-of-\(pod.metadata.name)") { $0.status?.phase == .succeed }
            }
        }
        return pods
    }

    /// Gives the order, which may have been given before, and waits until it is carried out.
    private func expectPause(of name: String, in cluster: SandboxCluster) async throws {
        try await cluster.setPause(true, of: name)
        let paused = try await cluster.wait(for: name) {
            // The pool lets go of it when the pod is seen to be gone.
            $0.status?.phase == .paused && $0.status?.pauseObservedGeneration == $0.metadata.generation
                && !$0.metadata.finalizers.contains(OpenSandbox.Finalizer.poolAllocation)
        }
        #expect(paused.status?.conditions.map(\.type) == ["Paused"])
        #expect(paused.spec.poolRef == nil && paused.spec.template != nil)
    }
}
