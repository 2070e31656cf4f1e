// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Controller
import KubeClient
import KubeModels
import SandboxModels
import TestSupport
import Testing

/// The controller ends at any of its writes, and another one goes on.
@Suite("A controller that ends while it pauses or resumes")
struct PauseCrashTests {
    @Test(
        "leaves nothing that the next one does not bring to the same end",
        .timeLimit(.minutes(20)),
        // Ended before a write it leaves what it does when it is ended after the one before.
        arguments: [(1, false), (1, true), (2, true)]
    )
    func crash(replicas: Int, isAfter: Bool) async throws {
        try await SandboxCluster.run(
            configuring: {
                $0.policy.maximumPauseReplicas = replicas
                $0.retention.generations = replicas - 1
            },
            isControlled: false
        ) { cluster in
            let steps = Steps()
            try await cluster.withHastyPods {
                try await cluster.withSteps(steps) { stepped in
                    try await walk(steps, stepped, of: replicas, isAfter: isAfter, in: cluster)
                }
            }
        }
    }

    private func walk(
        _ steps: Steps,
        _ stepped: KubeClient,
        of replicas: Int,
        isAfter: Bool,
        in cluster: SandboxCluster
    ) async throws {
        try await cluster.control(cluster.client) {
            try await cluster.create("box", replicas: replicas)
            try await cluster.wait(for: "box") { $0.status?.phase == .succeed }
        }
        var step = 1
        var reached: Set<Bool> = [true, false]
        while !reached.isEmpty {
            for pause in [true, false] {
                let plan = (step: step, isAfter: isAfter)
                let isReached = try await cluster.control(stepped, until: plan, of: steps) {
                    try await expect(pause, of: replicas, in: cluster)
                }
                if !isReached { reached.remove(pause) }
                try await cluster.control(cluster.client) { try await expect(pause, of: replicas, in: cluster) }
            }
            #expect(cluster.provider.begun.count == step * replicas, "a pause captures each once")
            step += 1
        }
        // It writes down that it pauses, what it asks for, that it seals and releases, and tells people of most of that.
        #expect(step > 8)
        #expect(cluster.provider.mistakes.isEmpty)
        guard replicas > 1 else { return }
        // Of each replica the last image is kept, and all others are gone.
        try await cluster.control(cluster.client) {
            try await cluster.wait(for: "box") { $0.images.entries.count == replicas }
        }
        let kept = cluster.provider.begun.suffix(replicas).map { InstantProvider.digest(of: $0) }
        let all = cluster.provider.begun.map { InstantProvider.digest(of: $0) }
        let deleted = cluster.provider.deleted.flatMap(\.parts).map(\.digest)
        #expect(Set(deleted) == Set(all).subtracting(kept))
    }

    /// Gives an order, which may have been given before, and waits until it is carried out.
    private func expect(_ pause: Bool, of replicas: Int, in cluster: SandboxCluster) async throws {
        try await cluster.setPause(pause, of: "box")
        let phase: BatchSandboxPhase = pause ? .paused : .succeed
        let sandbox = try await cluster.wait(for: "box") {
            $0.status?.phase == phase && $0.status?.ready == (pause ? 0 : replicas)
                && $0.status?.pauseObservedGeneration == $0.metadata.generation
        }
        #expect(sandbox.status?.conditions.map(\.type) == [pause ? "Paused" : "Ready"])
        let pods = try await cluster.pods.list().items
        #expect(pods.filter { $0.metadata.deletionTimestamp == nil }.count == (pause ? 0 : replicas))
    }
}
