// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Controller
import KubeClient
import KubeModels
import SandboxModels
import TestSupport
import Testing

/// The controller ends at any of its writes, and another one goes on.
@Suite("A controller that ends while it pauses or resumes a Sandbox of the Kruise dialect")
struct KruiseCrashTests {
    @Test("leaves nothing that the next one does not bring to the same end", .timeLimit(.minutes(20)))
    func crash() async throws {
        try await KruiseCluster.run(isControlled: false) { kruise in
            let steps = Steps()
            let cluster = kruise.cluster
            try await cluster.withHastyPods {
                try await cluster.withSteps(steps) { stepped in
                    try await cluster.control(cluster.client) {
                        try await kruise.create("box")
                        try await kruise.waitUntilReady("box")
                    }
                    var step = 1
                    var reached: Set<Bool> = [true, false]
                    while !reached.isEmpty {
                        for pause in [true, false] {
                            let isReached = try await cluster.control(stepped, until: (step, isAfter: true), of: steps)
                            {
                                try await expect(pause, in: kruise)
                            }
                            if !isReached { reached.remove(pause) }
                            try await cluster.control(cluster.client) { try await expect(pause, in: kruise) }
                        }
                        #expect(cluster.provider.begun.count == step, "a pause captures once")
                        step += 1
                    }
                    #expect(step > 8)
                    #expect(cluster.provider.mistakes.isEmpty)
                }
            }
        }
    }

    /// Gives an order, which may have been given before, and waits until it is carried out.
    private func expect(_ pause: Bool, in kruise: KruiseCluster) async throws {
        try await kruise.setPaused(pause, of: "box")
        let sandbox = try await kruise.wait(for: "box") {
            guard $0.status?.observedGeneration == $0.metadata.generation else { return false }
            let conditions = $0.status?.conditions ?? []
            return pause
                ? $0.status?.phase == .paused && conditions.isTrue("SandboxPaused") && $0.status?.sandboxIp == nil
                : $0.status?.phase == .running && conditions.isTrue("Ready")
        }
        #expect(sandbox.spec.paused == pause)
        let pods = try await kruise.cluster.pods.list().items
        #expect(pods.filter { $0.metadata.deletionTimestamp == nil }.count == (pause ? 0 : 1))
    }
}
