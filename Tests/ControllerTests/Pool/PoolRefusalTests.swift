// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import KubeClient
import KubeModels
import Testing

import struct Foundation.Date

@testable import Controller
@testable import SandboxModels

@Suite("What cannot be done for a sandbox is refused at once, and told")
struct PoolRefusalTests {
    @Test("A pause, when one of its pods was given back", .timeLimit(.minutes(5)))
    func givenBack() async throws {
        let configure: @Sendable (inout SandboxControllerSettings) -> Void = { $0.policy.maximumPauseReplicas = 3 }
        try await SandboxCluster.run(configuring: configure) { cluster in
            try await cluster.createPaperPool("p", pool: 3...3, recycling: .noop)
            try await cluster.whilePodsAreReady {
                try await cluster.createPooled("box", of: "p", replicas: 2)
                let pods = try await cluster.waitForPods(2, of: "box")
                try await cluster.wait(for: "box") { $0.status?.phase == .succeed }
                let release = PodAllocation(pods: [pods[1]]).jsonText
                try await cluster.edit(
                    "box",
                    ["metadata": ["annotations": ["sandbox.opensandbox.io/alloc-release": .string(release)]]]
                )
                #expect(try await cluster.waitForPods(1, of: "box") == [pods[0]])
                try await cluster.setPause(true, of: "box")
                let refused = try await cluster.waitForPause(of: "box")
                let failure = try #require(refused.status?.conditions["PauseFailed"])
                #expect(failure.reason == "PodGivenBack" && failure.message?.hasPrefix("Replica 1: ") == true)
                #expect(refused.status?.phase == .succeed)
                #expect(try await cluster.event("PauseFailed", about: "box").hasPrefix("PodGivenBack: Replica 1: "))
                #expect(cluster.provider.calls.isEmpty, "nothing was begun")

                // What is left can be paused, once it is all that there is.
                try await cluster.edit("box", ["spec": ["replicas": 1]])
                try await cluster.pauseAgain("box")
                let paused = try await cluster.wait(for: "box") { $0.status?.phase == .paused }
                #expect(paused.status?.conditions["PauseFailed"] == nil)
            }
        }
    }

    @Test(
        "More replicas than can be written down, with or without a pool, and others get their pods",
        .timeLimit(.minutes(5))
    )
    func tooMany() async throws {
        try await SandboxCluster.run { cluster in
            try await cluster.createPaperPool("p", buffer: 2...2, recycling: .noop)
            try await cluster.whilePodsAreReady {
                let most = 1_000_000
                try await cluster.createPooled("huge", of: "p", replicas: most)
                try await cluster.create("own", replicas: most)
                for name in ["huge", "own"] {
                    let refused = try await cluster.wait(for: name) {
                        $0.status?.conditions["Progressing"]?.reason == "TooManyReplicas"
                    }
                    #expect(refused.status?.phase == .pending)
                    #expect(refused.metadata.annotations.isEmpty)
                    #expect(try await cluster.event("TooManyReplicas", about: name).contains("Set spec.replicas to "))
                }
                try await cluster.createPooled("small", of: "p", replicas: 2)
                _ = try await cluster.waitForPods(2, of: "small")
                #expect(try await cluster.pods.list().items.allSatisfy { $0.metadata.name.hasPrefix("p-") })
                #expect(try await cluster.sandboxes.get("huge").heldPods.isEmpty)

                // One that runs keeps what it has.
                try await cluster.wait(for: "small") { $0.status?.phase == .succeed }
                try await cluster.edit("small", ["spec": ["replicas": .number(JSONNumber(most))]])
                let kept = try await cluster.wait(for: "small") {
                    $0.status?.conditions["Progressing"]?.reason == "TooManyReplicas"
                }
                #expect(kept.status?.ready == 2 && kept.status?.phase == .succeed)
                #expect(kept.heldPods.count == 2)
                // What can be done is done.
                for name in ["huge", "small"] { try await cluster.edit(name, ["spec": ["replicas": 3]]) }
                for name in ["huge", "small"] {
                    _ = try await cluster.waitForPods(3, of: name)
                    try await cluster.wait(for: name) {
                        $0.status?.ready == 3 && $0.status?.conditions.map(\.type) == ["Ready"]
                    }
                }
            }
        }
    }

    @Test("How many replicas there is room for")
    func room() throws {
        var sandbox = BatchSandbox.with { $0.metadata.name = "box" }
        let own = AnnotationRoom.replicas(of: sandbox)
        #expect(own > 5000)
        sandbox.spec.poolRef = String(repeating: "p", count: 63)
        let pooled = AnnotationRoom.replicas(of: sandbox)
        #expect(pooled > 2000 && pooled < own)
        // What grows with the replicas is in the number already.
        sandbox.metadata.annotations["stasis.dev/record"] = String(repeating: "r", count: 100_000)
        #expect(AnnotationRoom.replicas(of: sandbox) == pooled)
        sandbox.metadata.annotations["mine"] = String(repeating: "m", count: 250_000)
        #expect(AnnotationRoom.replicas(of: sandbox) == 0)
        sandbox.spec.replicas = 1
        #expect(sandbox.isTooLarge)
        sandbox.metadata.annotations["mine"] = nil
        #expect(!sandbox.isTooLarge)

        // As many as there is room for do fit: all that is written down of them when they have run since different times.
        sandbox.spec.replicas = pooled
        var state = try BatchSandboxState(
            of: BatchSandbox.with { $0.metadata.uid = "0b1c8e9a-6f2f-4a5b-9d59-2f1f2f1f2f1f" }
        )
        state.record.born = pooled
        state.record.members = (0..<pooled).map { index in
            var recorded = Recorded(
                identity: "\(state.record.identity)-\(index + 1)",
                now: Date(timeIntervalSince1970: 1_800_000_000 + Double(index) / 7)
            )
            recorded.phase = .running
            return AggregateRecord.Member(index: index, wish: .running, generation: 1, recorded: recorded)
        }
        state.endpoints = EndpointsAnnotation(addresses: Array(repeating: "100.100.100.100", count: pooled)).text
        let names = (0..<pooled).map { "\(String(repeating: "p", count: 63))-\($0 % 10000)" }
        var empty = sandbox
        empty.metadata.annotations = [:]
        var annotations = state.annotations(of: empty)
        annotations["sandbox.opensandbox.io/alloc-status"] = .string(PodAllocation(pods: names).jsonText)
        let change = MergePatch(["metadata": ["annotations": .object(annotations)]])
        #expect(!AnnotationRoom.isExceeded(by: change, of: empty))
        empty.metadata.annotations["mine"] = String(repeating: "m", count: 100_000)
        #expect(AnnotationRoom.isExceeded(by: change, of: empty))
    }
}
