// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import KubeClient
import KubeModels
import KubeRuntime
import SandboxModels
import Testing

import struct Foundation.Date

@testable import Controller

@Suite("SandboxSets")
struct SandboxSetTests {
    @Test(
        "A set has as many sandboxes as it wants, more or fewer when it is scaled, and tells how many",
        .timeLimit(.minutes(5))
    )
    func scales() async throws {
        try await ClaimCluster.run { cluster in
            try await cluster.createSet("warm", replicas: 3)
            let set = try await cluster.wait(forSet: "warm") { $0.availableReplicas == 3 }
            let revision = try #require(set.status?.updateRevision)
            #expect(set.status?.currentRevision == "warm-\(revision)")
            #expect(set.status?.selector == "agents.kruise.io/sandbox-claimed=false,agents.kruise.io/sandbox-pool=warm")
            let boxes = try await cluster.sandboxes.list().items
            #expect(boxes.count == 3)
            for box in boxes {
                #expect(box.metadata.name.hasPrefix("warm-"))
                #expect(box.isInSet)
                #expect(
                    box.metadata.labels == [
                        "version": "one", Kruise.Label.sandboxPool: "warm", Kruise.Label.sandboxTemplate: "warm",
                        Kruise.Label.sandboxClaimed: "false", Kruise.Label.templateHash: revision,
                    ]
                )
            }
            _ = try await cluster.sets.setScale(of: "warm", replicas: 20)
            try await cluster.wait(forSet: "warm") { $0.availableReplicas == 20 }
            let scale = try await cluster.sets.scale(of: "warm")
            #expect(scale.status?.replicas == 20)
            _ = try await cluster.sets.setScale(of: "warm", replicas: 1)
            try await cluster.wait(forSet: "warm") { $0.replicas == 1 && $0.availableReplicas == 1 }
            try await cluster.wait(for: cluster.sandboxes) { $0.count == 1 }
            try await cluster.waitForEvent("SuccessfulCreate", of: "warm")
            try await cluster.waitForEvent("SuccessfulDelete", of: "warm")
        }
    }

    @Test("As long as as many are being created as may be, no more are; with 0 none at all", .timeLimit(.minutes(5)))
    func maxUnavailable() async throws {
        try await ClaimCluster.run(play: { _ in nil }) { cluster in
            try await cluster.createSet("none", replicas: 2) { $0.spec.scaleStrategy = .with { $0.maxUnavailable = 0 } }
            try await cluster.createSet("slow", replicas: 4) {
                $0.spec.scaleStrategy = .with { $0.maxUnavailable = "50%" }
            }
            for expected in [2, 4] {
                let boxes = try await cluster.wait(for: cluster.sandboxes) { $0.count == expected }
                try await cluster.wait(forSet: "slow") { $0.replicas == expected }
                for box in boxes { try await cluster.say(.running, of: box.metadata.name) }
            }
            let set = try await cluster.wait(forSet: "slow") { $0.availableReplicas == 4 }
            #expect(set.status?.replicas == 4)
            #expect(try await cluster.sets.get("none").status?.replicas == 0)
        }
    }

    @Test(
        "A new template replaces its sandboxes a few at a time, and its old templates are kept and go with it",
        .timeLimit(.minutes(5))
    )
    func rollingUpdate() async throws {
        try await ClaimCluster.run { cluster in
            try await cluster.createSet("warm", replicas: 6) {
                $0.spec.updateStrategy = .with { $0.maxUnavailable = 1 }
            }
            let first = try await cluster.wait(forSet: "warm") { $0.availableReplicas == 6 }
            let informer = Informer(cluster.sandboxes, logger: ClaimCluster.logger)
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { try await informer.run() }
                group.addTask {
                    try await informer.waitUntilSynced()
                    try await cluster.edit(
                        cluster.sets,
                        "warm",
                        ["spec": ["template": ["metadata": ["labels": ["version": "two"]]]]]
                    )
                    for await _ in informer.changes {
                        let boxes = informer.store.objects.filter { $0.metadata.deletionTimestamp == nil }
                        let available = boxes.count { $0.isFree(at: Date()) }
                        #expect(available >= 5)
                        if available == 6, boxes.allSatisfy({ $0.metadata.labels["version"] == "two" }) { return }
                    }
                }
                // The one that ends first is the one that looks.
                try await group.next()
                group.cancelAll()
            }
            let second = try await cluster.wait(forSet: "warm") {
                $0.updateRevision != first.status?.updateRevision && $0.updatedAvailableReplicas == 6
                    && $0.replicas == 6
            }
            let templates = try await cluster.templates.list().items.map(\.metadata.name)
            #expect(Set(templates) == Set([first, second].compactMap { $0.status?.currentRevision }))
            _ = try await cluster.sets.delete("warm")
            try await cluster.wait(for: cluster.templates, until: \.isEmpty)
            try await cluster.wait(for: cluster.sandboxes, until: \.isEmpty)
        }
    }

    @Test("A set that names a template waits for it, follows it, and makes none of its own", .timeLimit(.minutes(5)))
    func templateRef() async throws {
        try await ClaimCluster.run { cluster in
            try await cluster.createSet("warm", replicas: 2) {
                $0.spec.template = nil
                $0.spec.templateRef = .with { $0.name = "base" }
            }
            let waiting = try await cluster.wait(forSet: "warm") { !$0.conditions.isEmpty }
            #expect(waiting.status?.conditions["TemplateAvailable"]?.reason == "TemplateNotFound")
            try await cluster.waitForEvent("TemplateNotFound", of: "warm")
            _ = try await cluster.templates.create(
                .with {
                    $0.metadata.name = "base"
                    $0.spec.template = ClaimCluster.template("one")
                }
            )
            let set = try await cluster.wait(forSet: "warm") { $0.availableReplicas == 2 }
            #expect(set.status?.conditions == [])
            #expect(set.status?.currentRevision == "base")
            try await cluster.edit(
                cluster.templates,
                "base",
                ["spec": ["template": ["metadata": ["labels": ["version": "two"]]]]]
            )
            try await cluster.wait(for: cluster.sandboxes) {
                $0.count == 2 && $0.allSatisfy { $0.metadata.labels["version"] == "two" }
            }
            #expect(try await cluster.templates.list().items.map(\.metadata.name) == ["base"])
        }
    }

    @Test("Templates that nobody needs any more really go", .timeLimit(.minutes(5)))
    func history() async throws {
        try await ClaimCluster.run { cluster in
            try await cluster.createSet("warm", replicas: 0)
            for version in 1...14 {
                try await cluster.edit(
                    cluster.sets,
                    "warm",
                    ["spec": ["template": ["metadata": ["labels": ["version": .string("v\(version)")]]]]]
                )
                let set = try await cluster.sets.get("warm")
                try await cluster.wait(forSet: "warm") { $0.observedGeneration == set.metadata.generation }
            }
            let left = try await cluster.wait(for: cluster.templates) { $0.count == KruiseSetHistory.limit }
            let current = try await cluster.sets.get("warm").status?.currentRevision
            #expect(left.contains { $0.metadata.name == current })
        }
    }

    @Test("A sandbox that has ended is replaced", .timeLimit(.minutes(5)))
    func dead() async throws {
        try await ClaimCluster.run { cluster in
            try await cluster.createSet("warm", replicas: 2)
            try await cluster.wait(forSet: "warm") { $0.availableReplicas == 2 }
            let box = try #require(try await cluster.sandboxes.list().items.first)
            try await cluster.say(.phase(.failed), of: box.metadata.name)
            try await cluster.wait(for: cluster.sandboxes) { boxes in
                boxes.count == 2 && boxes.allSatisfy { $0.metadata.uid != box.metadata.uid && $0.isReady }
            }
        }
    }
}
