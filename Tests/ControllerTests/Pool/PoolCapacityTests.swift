// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import KubeClient
import KubeModels
import SandboxModels
import TestSupport
import Testing

/// Upstream's cases of pools by themselves.
@Suite("Pools keep pods ready")
struct PoolCapacityTests {
    @Test("Capacity, a new template, maxUnavailable and evictions", .timeLimit(.minutes(10)))
    func life() async throws {
        try await SandboxCluster.run { cluster in
            // Status after creation.
            let pool = try await cluster.createPool("p", buffer: 1...3, pool: 0...5) {
                $0.spec.updateStrategy = .with { $0.maxUnavailable = 1 }
            }
            try await cluster.wait(forPool: "p") {
                $0.total == 2 && $0.available == 2 && $0.allocated == 0 && $0.updated == 2
                    && $0.observedGeneration == pool.metadata.generation
            }
            let first = try await cluster.pods.list().items
            #expect(first.allSatisfy { $0.metadata.name.hasPrefix("p-") })
            #expect(first.allSatisfy { $0.metadata.labels["sandbox.opensandbox.io/pool-name"] == "p" })
            #expect(first.allSatisfy { $0.metadata.ownerReferences.map(\.uid) == [pool.metadata.uid] })

            // poolMin and poolMax.
            try await cluster.editPool("p", ["capacitySpec": ["poolMin": 4]])
            try await cluster.wait(forPool: "p") { $0.total == 4 && $0.available == 4 }
            try await cluster.editPool("p", ["capacitySpec": ["poolMin": 0, "poolMax": 2, "bufferMax": 2]])
            try await cluster.wait(forPool: "p") { $0.total == 1 && $0.available == 1 }
            try await cluster.editPool("p", ["capacitySpec": ["bufferMin": 3, "bufferMax": 3]])
            try await cluster.wait(forPool: "p") { $0.total == 2 && $0.available == 2 }

            // Evictions: an idle pod goes and is replaced, one that a sandbox has stays, and nobody gets it again.
            let kept = try await cluster.createPooled("box", of: "p")
            let held = try #require(try await cluster.waitForPods(1, of: kept.metadata.name).first)
            try await cluster.wait(forPool: "p") { $0.total == 2 && $0.allocated == 1 && $0.available == 1 }
            let there = try await cluster.pods.list().items.filter { $0.metadata.deletionTimestamp == nil }
            let idle = try #require(there.map(\.metadata.name).first { $0 != held })
            try await cluster.label(pod: held, "pool.opensandbox.io/evict")
            try await cluster.label(pod: idle, "pool.opensandbox.io/evict")
            try await cluster.waitUntilGone(in: cluster.pods, idle)
            #expect(try await cluster.event("PodEvicted", about: "p").contains(idle))
            try await cluster.wait(forPool: "p") { $0.total == 2 && $0.allocated == 1 && $0.available == 1 }
            #expect(try await cluster.pods.find(held)?.metadata.deletionTimestamp == nil)
            #expect(try await cluster.allocations() == ["box": [held]])

            // A new template: a new revision, of idle pods only, one at a time.
            let before = try await cluster.pools.get("p").status?.revision
            try await cluster.editPool(
                "p",
                ["template": ["metadata": ["labels": ["is": "new"]]], "capacitySpec": ["poolMax": 4]]
            )
            let updated = try await cluster.wait(forPool: "p") {
                $0.revision != before && $0.total == 4 && $0.updated == 3 && $0.available == 3
            }
            #expect(updated.status?.revision.count == 16)
            #expect(try await cluster.allocations() == ["box": [held]], "allocations survive a rolling upgrade")
            #expect(try await cluster.pods.get(held).metadata.labels["is"] == nil)
            try await cluster.delete(sandbox: "box")
            try await cluster.waitUntilGone(in: cluster.pods, held)
        }
    }

    @Test(
        "A pool whose pods do not come up stops creating them; a shortage is told at once, and served when there are pods",
        .timeLimit(.minutes(10))
    )
    func broken() async throws {
        try await SandboxCluster.run { cluster in
            try await cluster.createPooled("early", of: "p")
            #expect(try await cluster.event("PoolNotFound", about: "early").contains("no Pool p"))
            try await cluster.createPool("p", buffer: 8...8) {
                $0.spec.scaleStrategy = nil
                $0.spec.template = RawJSON([
                    "spec": ["containers": [["name": "main", "image": "registry.invalid/none:1"]]]
                ])
            }
            #expect(try await cluster.event("PoolAllocationPending", about: "early").contains("1 of 1"))
            try await cluster.wait(forPool: "p") { $0.total == 3 && $0.available == 0 }
            try await cluster.editPool(
                "p",
                [
                    "template": [
                        "spec": [
                            "containers": [
                                ["name": "main", "image": .string(cluster.image), "command": ["/bin/sleep", "3600"]]
                            ]
                        ]
                    ]
                ]
            )
            _ = try await cluster.waitForPods(1, of: "early")
            let pods = try await cluster.kubectl(
                "get",
                "events",
                "--field-selector=involvedObject.name=p,reason=SuccessfulCreate",
                "--output=jsonpath={range .items[*]}{.message}{'\\n'}{end}"
            )
            #expect(Set(pods.split(separator: "\n")).count < 16, "\(pods)")
        }
    }
}

extension SandboxCluster {
    /// Changes the spec of a pool.
    func editPool(_ name: String, _ spec: JSONValue) async throws {
        _ = try await pools.patch(name, .merge(MergePatch(["spec": spec])))
    }
}
