// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Controller
import KubeClient
import KubeModels
import SandboxModels
import Synchronization
import Testing

@Suite("Pods leave a pool as a program's own handler says")
struct PoolEvictionTests {
    /// Lets pods go that are worn, and not by deleting them first.
    private final class WornPods: EvictionHandler {
        static let mark = "bench.example/worn"
        private let state = Mutex<[String]>([])

        var evicted: [String] { state.withLock { $0 } }

        func needsEviction(_ pod: Pod) -> Bool { pod.metadata.annotations[Self.mark] != nil }

        func evict(_ pod: Pod, client: KubeClient) async throws {
            state.withLock { names in
                if !names.contains(pod.metadata.name) { names.append(pod.metadata.name) }
            }
            try await LabelEviction().evict(pod, client: client)
        }
    }

    @Test("where their pool has chosen it, and in no other pool", .timeLimit(.minutes(5)))
    func chosen() async throws {
        let handler = WornPods()
        try await SandboxCluster.run(evictionHandlers: ["worn": handler]) { cluster in
            for (name, chosen) in [("own", "worn"), ("plain", nil), ("odd", "nobody")] {
                try await cluster.createPaperPool(name, buffer: 3...3)
                guard let chosen else { continue }
                let label: JSONValue = [
                    "metadata": ["labels": ["pool.opensandbox.io/eviction-handler": .string(chosen)]]
                ]
                _ = try await cluster.pools.patch(name, .merge(MergePatch(label)))
            }
            try await cluster.whilePodsAreReady {
                var pods: [String: [String]] = [:]
                for pool in ["own", "plain", "odd"] {
                    try await cluster.wait(forPool: pool) { $0.available == 3 && $0.total == 3 }
                    let all = try await cluster.pods.list().items.map(\.metadata.name)
                    pods[pool] = all.filter { $0.hasPrefix("\(pool)-") }
                }
                // One of each is worn, and another one has the label that is for the built-in handler.
                for names in pods.values {
                    let worn: JSONValue = ["metadata": ["annotations": [WornPods.mark: "yes"]]]
                    _ = try await cluster.pods.patch(names[0], .merge(MergePatch(worn)))
                    try await cluster.label(pod: names[1], "pool.opensandbox.io/evict")
                }
                let own = try #require(pods["own"])
                try await cluster.waitUntilGone(in: cluster.pods, own[0])
                for pool in ["plain", "odd"] {
                    let names = try #require(pods[pool])
                    try await cluster.waitUntilGone(in: cluster.pods, names[1])
                    #expect(try await cluster.pods.find(names[0]) != nil)
                }
                for pool in ["own", "plain", "odd"] {
                    try await cluster.wait(forPool: pool) { $0.available == 3 && $0.total == 3 }
                }
                #expect(try await cluster.pods.find(own[1])?.metadata.deletionTimestamp == nil)
                #expect(handler.evicted == [own[0]])
            }
        }
    }
}
