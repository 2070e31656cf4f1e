// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import KubeClient
import KubeModels
import SandboxModels
import TestSupport
import Testing

/// Upstream's cases of allocation, recycling and recovery.
@Suite("Pools give pods to sandboxes")
struct PoolAllocationTests {
    @Test("Nobody shares a pod, two pools are apart, what is given back is used again", .timeLimit(.minutes(10)))
    func integrity() async throws {
        try await SandboxCluster.run { cluster in
            try await cluster.createPool("a", pool: 4...4, recycling: .noop)
            try await cluster.createPool("b", pool: 2...3)
            try await cluster.wait(forPool: "a") { $0.available == 4 }
            try await cluster.wait(forPool: "b") { $0.available == 2 }
            let all = Set(try await cluster.pods.list().items.map(\.metadata.name))
            // Concurrent creations, more than there are pods, of interleaved pools.
            let names = (1...5).map { "box-\($0)" }
            try await withThrowingDiscardingTaskGroup { group in
                for name in names { group.addTask { try await cluster.createPooled(name, of: "a") } }
                group.addTask { try await cluster.createPooled("pair", of: "b", replicas: 2) }
            }
            let pair = try await cluster.waitForPods(2, of: "pair")
            try await cluster.wait(forPool: "a") { $0.allocated == 4 && $0.available == 0 && $0.total == 4 }
            #expect(pair.allSatisfy { $0.hasPrefix("b-") })
            var allocations = try await cluster.allocations()
            var given = allocations.values.flatMap(\.self)
            #expect(Set(given).count == given.count)
            #expect(Set(given) == all)
            let waiting = try #require(names.first { allocations[$0] == [] })
            // Reuse, over cycles: the next one gets what is given back, as it is.
            for name in names where name != waiting {
                let pod = try #require(allocations[name]?.first)
                let before = try await cluster.pods.get(pod).status?.containerStatuses.map(\.containerID)
                try await cluster.delete(sandbox: name)
                if name == names.first(where: { $0 != waiting }) {
                    #expect(try await cluster.waitForPods(1, of: waiting) == [pod])
                }
                #expect(try await cluster.pods.get(pod).status?.containerStatuses.map(\.containerID) == before)
            }
            try await cluster.wait(forPool: "a") { $0.allocated == 1 && $0.available == 3 && $0.total == 4 }
            // With Delete, what was used goes.
            try await cluster.delete(sandbox: "pair")
            for pod in pair { try await cluster.waitUntilGone(in: cluster.pods, pod) }
            try await cluster.wait(forPool: "b") { $0.allocated == 0 && $0.available == 2 && $0.total == 2 }
            allocations = try await cluster.allocations()
            given = allocations.values.flatMap(\.self)
            #expect(given.count == 1)
        }
    }

    @Test("After a restart everything is as it was; what cannot be read stops the pool", .timeLimit(.minutes(10)))
    func recovery() async throws {
        try await SandboxCluster.run(isControlled: false) { cluster in
            try await cluster.createPool("p", pool: 3...3, recycling: .noop)
            try await cluster.control(cluster.client) {
                try await cluster.createPooled("one", of: "p")
                try await cluster.createPooled("two", of: "p")
                _ = try await cluster.waitForPods(1, of: "one")
                _ = try await cluster.waitForPods(1, of: "two")
            }
            let before = try await cluster.allocations()
            // Meanwhile one is deleted, and another one created.
            _ = try await cluster.sandboxes.delete("two")
            try await cluster.createPooled("three", of: "p", replicas: 2)
            try await cluster.control(cluster.client) {
                try await cluster.waitUntilGone(sandbox: "two")
                let pods = try await cluster.waitForPods(2, of: "three")
                #expect(try await cluster.allocations() == ["one": before["one"] ?? [], "three": pods])
                #expect(Set(pods + (before["one"] ?? [])).count == 3)
                try await cluster.wait(forPool: "p") { $0.allocated == 3 && $0.total == 3 }
                // What a sandbox gives back while it lives.
                let release = PodAllocation(pods: [pods[0]]).jsonText
                try await cluster.edit(
                    "three",
                    ["metadata": ["annotations": ["sandbox.opensandbox.io/alloc-release": .string(release)]]]
                )
                #expect(try await cluster.waitForPods(1, of: "three") == [pods[1]])
            }
            try await cluster.control(cluster.client) {
                try await cluster.createPooled("four", of: "p")
                #expect(try await cluster.waitForPods(1, of: "four") != cluster.allocations()["three"])
                #expect(try await cluster.sandboxes.get("three").heldPods.count == 1, "what is released stays so")
            }
            let broken: JSONValue = ["metadata": ["annotations": ["sandbox.opensandbox.io/alloc-status": "{]"]]]
            try await cluster.edit("one", broken)
            _ = try await cluster.sandboxes.delete("four")
            try await cluster.control(cluster.client) {
                try await cluster.createPooled("five", of: "p")
                #expect(try await cluster.event("AllocationUnreadable", about: "p").contains("one"))
                #expect(try await cluster.sandboxes.get("five").heldPods.isEmpty)
                let mended = PodAllocation(pods: before["one"] ?? []).jsonText
                try await cluster.edit(
                    "one",
                    ["metadata": ["annotations": ["sandbox.opensandbox.io/alloc-status": .string(mended)]]]
                )
                _ = try await cluster.waitForPods(1, of: "five")
                let given = try await cluster.allocations().values.flatMap(\.self)
                #expect(Set(given).count == given.count)
            }
        }
    }
}
