// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import KubeClient
import KubeModels
import KubeRuntime
import PrometheusMetrics
import SandboxModels
import Testing

@testable import Controller

@Suite("SandboxClaims")
struct SandboxClaimTests {
    @Test(
        "A claim gets what it wants of a warm set, with all that it says of it, and the set fills up again",
        .timeLimit(.minutes(5))
    )
    func claims() async throws {
        try await ClaimCluster.run { cluster in
            try await cluster.createSet("warm", replicas: 3)
            try await cluster.wait(forSet: "warm") { $0.availableReplicas == 3 }
            let before = Set(try await cluster.sandboxes.list().items.compactMap(\.metadata.uid))
            try await cluster.createClaim("one", of: "warm")
            let one = try await cluster.waitForEnd(of: "one")
            #expect(one.end == "AllReplicasClaimed")
            #expect(one.status?.claimedReplicas == 1)
            #expect(one.status?.claimStartTime != nil && one.status?.completionTime != nil)
            let box = try #require(try await cluster.owned(by: one).first)
            #expect(before.contains(box.metadata.uid ?? ""), "it was there before")
            #expect(box.metadata.ownerReferences == [])
            #expect(box.metadata.labels[Kruise.Label.sandboxClaimed] == "true")
            #expect(box.metadata.labels[Kruise.Label.claimName] == "one")
            #expect(box.metadata.annotations[Kruise.Annotation.lock] != nil)
            #expect(box.metadata.annotations[Kruise.Annotation.claimTimestamp].flatMap { Timestamp($0) } != nil)
            #expect(box.metadata.annotations[Kruise.Annotation.sandboxPriority] == "100")
            try await cluster.createClaim("two", of: "warm") {
                $0.replicas = 2
                $0.labels = ["team": "red"]
                $0.annotations = ["note": "hello"]
                $0.envVars = ["A": "b"]
                $0.shutdownTime = SpelledTime("2100-01-01T00:00:00+01:00")
                $0.pauseTime = SpelledTime("2099-01-01T00:00:00Z")
            }
            let two = try await cluster.waitForEnd(of: "two")
            let boxes = try await cluster.owned(by: two)
            #expect(boxes.count == 2)
            for box in boxes {
                #expect(box.metadata.labels["team"] == "red")
                #expect(box.metadata.annotations["note"] == "hello")
                #expect(box.metadata.annotations[Kruise.Annotation.initRuntimeRequest] == #"{"envVars":{"A":"b"}}"#)
                #expect(box.spec.shutdownTime?.text == "2100-01-01T00:00:00+01:00")
                #expect(box.spec.pauseTime?.text == "2099-01-01T00:00:00Z")
                let template = try #require(try box.spec.podTemplate()?.metadata)
                #expect(template.labels == ["team": "red", "version": "one"])
                #expect(template.annotations == ["note": "hello"])
            }
            try await cluster.waitForEvent("ClaimCompleted", of: "two")
            try await cluster.waitForEvent("SandboxClaimed", of: "two")
            let measured = cluster.base.metrics.text()
            #expect(
                measured.contains(#"stasis_sandbox_claim_duration_seconds_count{reason="AllReplicasClaimed"} 2"#),
                "\(measured)"
            )
            #expect(measured.contains("stasis_claimed_sandboxes_total 3"))
            try await cluster.wait(forSet: "warm") { $0.availableReplicas == 3 }
        }
    }

    @Test("The pod of a sandbox that was ready before gets the labels of its claim", .timeLimit(.minutes(5)))
    func podLabels() async throws {
        try await ClaimCluster.run { cluster in
            try await cluster.createSet("warm", replicas: 1)
            try await cluster.wait(forSet: "warm") { $0.availableReplicas == 1 }
            let box = try #require(try await cluster.sandboxes.list().items.first)
            _ = try await cluster.base.pods.create(
                .with {
                    $0.metadata.name = box.metadata.name
                    $0.spec.schedulerName = "nobody"
                    $0.spec.automountServiceAccountToken = false
                    $0.spec.containers = [.with { ($0.name, $0.image) = ("main", "none") }]
                }
            )
            try await cluster.createClaim("c", of: "warm") { $0.labels = ["team": "red"] }
            try await cluster.waitForEnd(of: "c")
            #expect(try await cluster.base.pods.get(box.metadata.name).metadata.labels["team"] == "red")
        }
    }

    @Test("Without stock it waits and takes what comes, or has some made if it may", .timeLimit(.minutes(5)))
    func noStock() async throws {
        try await ClaimCluster.run { cluster in
            try await cluster.createSet("warm", replicas: 0)
            try await cluster.createClaim("waits", of: "warm") {
                $0.replicas = 3
                $0.createOnNoStock = false
                $0.claimTimeout = "10m"
            }
            try await cluster.wait(forClaim: "waits") { $0.message?.contains("no more available") == true }
            try await cluster.waitForEvent("NoAvailableSandboxes", of: "waits")
            _ = try await cluster.sets.setScale(of: "warm", replicas: 2)
            // It takes them as they come, and the set makes others.
            let waits = try await cluster.waitForEnd(of: "waits")
            #expect(waits.end == "AllReplicasClaimed")
            _ = try await cluster.sets.setScale(of: "warm", replicas: 0)
            try await cluster.wait(forSet: "warm") { $0.replicas == 0 }
            try await cluster.createClaim("makes", of: "warm") { $0.replicas = 2 }
            let makes = try await cluster.waitForEnd(of: "makes")
            let boxes = try await cluster.owned(by: makes)
            #expect(boxes.count == 2)
            #expect(boxes.allSatisfy { $0.metadata.labels[Kruise.Label.sandboxTemplate] == "warm" && $0.isReady })
            #expect(boxes.allSatisfy { $0.metadata.labels["version"] == "one" })
        }
    }

    @Test("When its time is over it has what it got, and what is not ready is gone", .timeLimit(.minutes(5)))
    func timeout() async throws {
        try await ClaimCluster.run(play: { $0.isInSet ? .running : .phase(.pending) }) { cluster in
            try await cluster.createSet("warm", replicas: 1)
            try await cluster.wait(forSet: "warm") { $0.availableReplicas == 1 }
            _ = try await cluster.sets.patch(
                "warm",
                .merge(MergePatch(["spec": ["scaleStrategy": ["maxUnavailable": 0]]]))
            )
            try await cluster.createClaim("c", of: "warm") { ($0.replicas, $0.claimTimeout) = (2, "2s") }
            let claim = try await cluster.waitForEnd(of: "c")
            #expect(claim.end == "TimeoutReached")
            #expect(claim.status?.conditions["TimedOut"]?.reason == "ClaimTimeoutReached")
            #expect(claim.status?.claimedReplicas == 1)
            #expect(try await cluster.owned(by: claim).count == 1)
        }
    }

    @Test("There must be something of the name, and the claim must be possible", .timeLimit(.minutes(5)))
    func refusals() async throws {
        try await ClaimCluster.run { cluster in
            try await cluster.createClaim("lost", of: "nothing")
            let lost = try await cluster.waitForEnd(of: "lost")
            #expect(lost.end == "SandboxSetNotFound")
            #expect(lost.status?.message?.contains("neither a SandboxSet nor a Checkpoint nothing") == true)
            try await cluster.createSet("warm", replicas: 1)
            try await cluster.createClaim("reserved", of: "warm") { $0.labels = ["agents.kruise.io/sandbox-id": "x"] }
            #expect(try await cluster.waitForEnd(of: "reserved").end == "InvalidClaim")
            try await cluster.wait(forSet: "warm") { $0.availableReplicas == 1 }
            try await cluster.createClaim("broken", of: "warm") { $0.labels = ["no label": "x"] }
            let broken = try await cluster.waitForEnd(of: "broken")
            #expect(broken.end == "InvalidClaim", "the API server refuses it")
            #expect(broken.status?.claimedReplicas == 0)
            try await cluster.createClaim("cpu", of: "warm") {
                $0.inplaceUpdate = RawJSON(["resources": ["limits": ["cpu": "1"]]] as JSONValue)
            }
            #expect(try await cluster.waitForEnd(of: "cpu").end == "FeatureGateDisabled")
            #expect(try await cluster.sandboxes.list().items.allSatisfy(\.isInSet))
        }
    }

    @Test("A set and a claim that are created at once find each other", .timeLimit(.minutes(5)))
    func atOnce() async throws {
        try await ClaimCluster.run { cluster in
            for round in 1...5 {
                try await withThrowingDiscardingTaskGroup { group in
                    group.addTask { try await cluster.createSet("set-\(round)", replicas: 1) }
                }
                try await cluster.createClaim("claim-\(round)", of: "set-\(round)")
                #expect(try await cluster.waitForEnd(of: "claim-\(round)").end == "AllReplicasClaimed")
            }
        }
    }

    @Test("How many it wants does not change", .timeLimit(.minutes(5)))
    func immutable() async throws {
        try await ClaimCluster.run { cluster in
            try await cluster.createSet("warm", replicas: 0)
            try await cluster.createClaim("c", of: "warm") {
                ($0.replicas, $0.createOnNoStock, $0.claimTimeout) = (2, false, "10m")
            }
            try await cluster.wait(forClaim: "c") { $0.phase == .claiming }
            try await cluster.edit(cluster.claims, "c", ["spec": ["replicas": 5]])
            let told = try await cluster.wait(forClaim: "c") { $0.conditions.isTrue("ReplicasImmutable") }
            #expect(told.status?.conditions["ReplicasImmutable"]?.message?.contains("began with 2") == true)
            _ = try await cluster.sets.setScale(of: "warm", replicas: 4)
            let end = try await cluster.waitForEnd(of: "c")
            #expect(end.status?.claimedReplicas == 2)
            #expect(try await cluster.owned(by: end).count == 2)
        }
    }

    @Test(
        "It goes in its time, its sandboxes stay, and another one of its name has nothing to do with them",
        .timeLimit(.minutes(5))
    )
    func life() async throws {
        try await ClaimCluster.run { cluster in
            try await cluster.createSet("warm", replicas: 2)
            try await cluster.wait(forSet: "warm") { $0.availableReplicas == 2 }
            try await cluster.createClaim("c", of: "warm") { $0.ttlAfterCompleted = "0s" }
            let first = try await cluster.wait(for: cluster.sandboxes) { $0.contains { !$0.isInSet } }.first {
                !$0.isInSet
            }
            try await cluster.wait(for: cluster.claims, until: \.isEmpty)
            try await cluster.waitForEvent("SandboxClaimTTLDelete", of: "c")
            try await cluster.createClaim("c", of: "warm") { $0.ttlAfterCompleted = "-1s" }
            let second = try await cluster.waitForEnd(of: "c")
            let owned = try await cluster.owned(by: second)
            #expect(owned.count == 1)
            #expect(owned.first?.metadata.uid != first?.metadata.uid)
            _ = try await cluster.claims.delete("c")
            try await cluster.wait(for: cluster.claims, until: \.isEmpty)
            let left = Set(try await cluster.sandboxes.list().items.filter { !$0.isInSet }.map(\.metadata.uid))
            #expect(left == [first?.metadata.uid, owned.first?.metadata.uid])
        }
    }

    @Test(
        "A count that is lost is found again, and what its owner has deleted is not replaced",
        .timeLimit(.minutes(5))
    )
    func recovery() async throws {
        try await ClaimCluster.run(isControlled: false) { cluster in
            try await cluster.control(cluster.client) {
                try await cluster.createSet("warm", replicas: 2)
                try await cluster.wait(forSet: "warm") { $0.availableReplicas == 2 }
                try await cluster.edit(cluster.sets, "warm", ["spec": ["scaleStrategy": ["maxUnavailable": 0]]])
                try await cluster.createClaim("c", of: "warm") {
                    ($0.replicas, $0.createOnNoStock, $0.claimTimeout) = (3, false, "10m")
                }
                try await cluster.wait(forClaim: "c") { $0.claimedReplicas == 2 }
            }
            // Nobody looks; all that was written down is lost, and one sandbox goes.
            try await cluster.edit(
                cluster.claims,
                "c",
                ["metadata": ["annotations": [KruiseClaimRecord.annotation: .null]]]
            )
            let status: JSONValue = ["status": ["claimedReplicas": 0, "phase": .null]]
            _ = try await cluster.claims.patch("c", .merge(MergePatch(status)), subresource: .status)
            try await cluster.control(cluster.client) {
                let found = try await cluster.wait(forClaim: "c") { $0.claimedReplicas == 2 }
                let box = try #require(try await cluster.owned(by: found).first)
                _ = try await cluster.sandboxes.delete(box.metadata.name)
                try await cluster.edit(cluster.sets, "warm", ["spec": ["scaleStrategy": .null]])
                let end = try await cluster.waitForEnd(of: "c")
                #expect(end.status?.claimedReplicas == 3)
                #expect(try await cluster.owned(by: end).count == 2)
            }
        }
    }

    @Test(
        "What does not come up is deleted or kept to be looked at, and another one is made",
        .timeLimit(.minutes(5)),
        arguments: [false, true]
    )
    func failures(isKept: Bool) async throws {
        try await ClaimCluster.run(play: { $0.metadata.annotations["odd"] == nil ? .phase(.failed) : .running }) {
            cluster in
            try await cluster.createSet("warm", replicas: 0)
            try await cluster.createClaim("c", of: "warm") {
                $0.reserveFailedSandbox = isKept
                $0.claimTimeout = "10m"
            }
            try await cluster.waitForEvent("SandboxNotReady", of: "c")
            try await cluster.edit(
                cluster.sets,
                "warm",
                ["spec": ["template": ["metadata": ["annotations": ["odd": "x"]]]]]
            )
            let claim = try await cluster.waitForEnd(of: "c")
            #expect(claim.end == "AllReplicasClaimed")
            #expect(try await cluster.owned(by: claim).count == 1)
            let failed = try await cluster.sandboxes.list().items.filter { $0.status?.phase == .failed }
            #expect(failed.isEmpty != isKept)
            #expect(failed.allSatisfy { $0.metadata.labels[Kruise.Label.reservedFailedSandbox] == "true" })
        }
    }

    @Test("A claim of a checkpoint waits until it is done, and gets clones of it", .timeLimit(.minutes(5)))
    func clones() async throws {
        try await ClaimCluster.run { cluster in
            _ = try await cluster.checkpoints.create(.with { $0.metadata.name = "cp" })
            try await cluster.createClaim("c", of: "cp") { ($0.replicas, $0.createOnNoStock) = (2, false) }
            try await cluster.wait(forClaim: "c") { $0.message?.contains("is not done yet") == true }
            _ = try await cluster.templates.create(
                .with {
                    $0.metadata.name = "cp"
                    $0.spec.template = ClaimCluster.template("captured")
                    $0.spec.persistentContents = [.filesystem]
                    $0.spec.pauseStrategy = .with { $0.type = .stop }
                }
            )
            let status: JSONValue = ["status": ["phase": "Succeeded", "checkpointId": "cp-id"]]
            _ = try await cluster.checkpoints.patch("cp", .merge(MergePatch(status)), subresource: .status)
            let claim = try await cluster.waitForEnd(of: "c")
            #expect(claim.end == "AllReplicasClaimed")
            let boxes = try await cluster.owned(by: claim)
            #expect(boxes.count == 2)
            for box in boxes {
                #expect(box.metadata.name.hasPrefix("cp-"))
                #expect(box.metadata.annotations[Kruise.Annotation.restoreFrom] == "cp-id")
                #expect(box.metadata.labels[Kruise.Label.sandboxTemplate] == "cp")
                #expect(box.metadata.labels["version"] == "captured")
                #expect(box.spec.persistentContents == [.filesystem])
                #expect(box.spec.pauseStrategy?.type == .stop)
            }
            _ = try await cluster.checkpoints.create(.with { $0.metadata.name = "bad" })
            let failed: JSONValue = ["status": ["phase": "Failed", "message": "the disk is full"]]
            _ = try await cluster.checkpoints.patch("bad", .merge(MergePatch(failed)), subresource: .status)
            try await cluster.createClaim("d", of: "bad")
            let refused = try await cluster.waitForEnd(of: "d")
            #expect(refused.end == "CheckpointNotUsable")
            #expect(refused.status?.message?.contains("the disk is full") == true)
        }
    }

    @Test("Fifty claims at once get fifty sandboxes", .timeLimit(.minutes(5)))
    func many() async throws {
        try await ClaimCluster.run { cluster in
            try await cluster.createSet("warm", replicas: 50)
            try await cluster.wait(forSet: "warm") { $0.availableReplicas == 50 }
            try await withThrowingDiscardingTaskGroup { group in
                for number in 1...50 {
                    group.addTask {
                        try await cluster.createClaim("c-\(number)", of: "warm") { $0.createOnNoStock = false }
                    }
                }
            }
            let claims = try await cluster.wait(for: cluster.claims) {
                $0.count == 50 && $0.allSatisfy { $0.status?.phase == .completed }
            }
            #expect(claims.allSatisfy { $0.end == "AllReplicasClaimed" })
            let owners = try await cluster.sandboxes.list().items.filter { !$0.isInSet }
            #expect(Set(owners.map { $0.metadata.annotations[Kruise.Annotation.owner] }).count == 50)
            #expect(owners.count == 50)
        }
    }
}
