// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Controller
import KubeClient
import KubeModels
import SandboxModels
import TestSupport
import Testing

/// The controller ends at any of its writes, and another one goes on; upstream's works all the time.
@Suite("A controller that ends while it suspends or resumes a Sandbox of the AgentSandbox dialect")
struct AgentSandboxCrashTests {
    typealias Agents = AgentSandboxCluster<AgentSandboxV1Beta1>

    @Test("leaves nothing that the next one does not bring to the same end", .timeLimit(.minutes(20)))
    func crash() async throws {
        try await AgentSandboxTests.onPaper(AgentSandboxV1Beta1.self, isControlled: false) { agents in
            let steps = Steps()
            let cluster = agents.cluster
            try await cluster.withSteps(steps) { stepped in
                try await agents.createPaper("box")
                try await agents.waitUntilReady("box")
                var step = 1
                var reached: Set<Bool> = [true, false]
                while !reached.isEmpty {
                    for suspend in [true, false] {
                        let isReached = try await cluster.control(stepped, until: (step, isAfter: true), of: steps) {
                            try await expect(suspend, in: agents)
                        }
                        if !isReached { reached.remove(suspend) }
                        try await cluster.control(cluster.client) { try await expect(suspend, in: agents) }
                    }
                    #expect(cluster.provider.begun.count == step, "a suspension captures once")
                    step += 1
                }
                #expect(step > 8)
                #expect(cluster.provider.mistakes.isEmpty)
                #expect(try await agents.isStatusUpstreams(of: "box"))
            }
        }
    }

    /// Gives an order, which may have been given before, and waits until it is carried out.
    private func expect(_ suspend: Bool, in agents: Agents) async throws {
        try await agents.setSuspend(suspend, of: "box")
        let sandbox = suspend ? try await agents.waitUntilSuspended("box") : try await agents.waitUntilResumed("box")
        #expect(sandbox.suspend == (suspend ? "true" : "false"))
        let pods = try await agents.cluster.pods.list().items
        #expect(pods.filter { $0.metadata.deletionTimestamp == nil }.count == (suspend ? 0 : 1))
    }
}
