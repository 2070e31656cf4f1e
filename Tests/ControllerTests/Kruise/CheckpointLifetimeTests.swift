// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import KubeClient
import KubeModels
import SandboxModels
import TestSupport
import Testing

@Suite("The end of a Checkpoint")
struct CheckpointLifetimeTests {
    private static let day: Double = 86400

    @Test("comes when its time is over, also of one that has failed, and takes no clone along") func expiry()
        async throws
    {
        try await CheckpointCluster.run { cluster in
            try await cluster.createSandbox("web")
            let checkpoint = try await cluster.createCheckpoint("cp", of: "web") { $0.spec.ttlAfterFinished = "0.5s" }
            try await cluster.createSandbox("clone") {
                $0.metadata.annotations[Kruise.Annotation.restoreFrom] = checkpoint.metadata.name
            }
            try await cluster.playSuccess("cp")
            try await cluster.cluster.waitUntilGone(in: cluster.checkpoints, "cp")
            #expect(try await cluster.templates.find("cp") == nil)
            #expect(try await cluster.cluster.snapshots.find("cp") == nil)
            #expect(try await cluster.sandboxes.get("clone").metadata.deletionTimestamp == nil)
            try await cluster.cluster.waitForEvent("Expired")
            try await cluster.createCheckpoint("none", of: "nobody") { $0.spec.ttlAfterFinished = "0s" }
            try await cluster.cluster.waitUntilGone(in: cluster.checkpoints, "none")
        }
    }

    @Test("does not come earlier or later because a controller was away") func restart() async throws {
        try await CheckpointCluster.run(isControlled: false) { cluster in
            try await cluster.control {
                try await cluster.createSandbox("web")
                for name in ["month", "always", "huge"] {
                    try await cluster.createCheckpoint(name, of: "web") {
                        $0.spec.ttlAfterFinished = ["month": "30d", "huge": "999999999999d"][name]
                    }
                    try await cluster.playSuccess(name)
                    try await cluster.wait(for: name) { $0.status?.phase == .succeeded }
                }
            }
            // What it has looked at is seen by what it does about another one, which comes last of all that were there before.
            try await cluster.control(ahead: 29.9 * Self.day) {
                try await cluster.edit(checkpoint: "month", ["spec": ["keepRunning": true]])
                try await cluster.wait(for: "month") { $0.status?.observedGeneration == $0.metadata.generation }
            }
            #expect(try await cluster.checkpoints.get("month").metadata.deletionTimestamp == nil)
            try await cluster.control(ahead: 30.1 * Self.day) {
                try await cluster.cluster.waitUntilGone(in: cluster.checkpoints, "month")
            }
            try await cluster.control(ahead: 36500 * Self.day) {
                for name in ["always", "huge"] {
                    try await cluster.edit(checkpoint: name, ["spec": ["keepRunning": true]])
                    try await cluster.wait(for: name) { $0.status?.observedGeneration == $0.metadata.generation }
                }
            }
            #expect(try await cluster.checkpoints.list().items.map(\.metadata.name).sorted() == ["always", "huge"])
        }
    }

    @Test("is not guessed from what is no duration") func malformed() async throws {
        try await CheckpointCluster.run { cluster in
            try await cluster.createSandbox("web")
            try await cluster.createCheckpoint("cp", of: "web") { $0.spec.ttlAfterFinished = "1 second" }
            // Whoever has written it sees that at once.
            try await cluster.wait(for: "cp") { $0.status?.conditions.isTrue("LifetimeIgnored") == true }
            try await cluster.playSuccess("cp")
            let kept = try await cluster.wait(for: "cp") { $0.status?.phase == .succeeded }
            #expect(kept.status?.conditions["LifetimeIgnored"]?.message?.contains("'1 second'") == true)
            try await cluster.cluster.waitForEvent("InvalidDuration")
            try await cluster.edit(checkpoint: "cp", ["spec": ["ttlAfterFinished": "-1s"]])
            try await cluster.wait(for: "cp") {
                $0.status?.conditions["LifetimeIgnored"]?.message?.contains("'-1s'") == true
            }
            try await cluster.edit(checkpoint: "cp", ["spec": ["ttlAfterFinished": "1h"]])
            try await cluster.wait(for: "cp") { $0.status?.conditions["LifetimeIgnored"] == nil }
            try await cluster.edit(checkpoint: "cp", ["spec": ["ttlAfterFinished": "0s"]])
            try await cluster.cluster.waitUntilGone(in: cluster.checkpoints, "cp")
        }
    }

    @Test("takes its template first, then its snapshot, and waits for that") func deletion() async throws {
        try await CheckpointCluster.run { cluster in
            try await cluster.createSandbox("web")
            try await cluster.createCheckpoint("cp", of: "web")
            try await cluster.playSuccess("cp")
            try await cluster.wait(for: "cp") { $0.status?.phase == .succeeded }
            try await cluster.edit(
                checkpoint: "cp",
                ["metadata": ["annotations": ["stasis.dev/delete-policy": "Delete"]]]
            )
            let hold = MergePatch(["metadata": ["finalizers": ["test.example/hold"]]])
            _ = try await cluster.cluster.snapshots.patch("cp", .merge(hold))
            _ = try await cluster.checkpoints.delete("cp")
            let going = try await cluster.cluster.wait(forSnapshot: "cp") { $0.metadata.deletionTimestamp != nil }
            // Its owner's word about the images is the snapshot's before that goes.
            #expect(going.metadata.annotations["stasis.dev/delete-policy"] == "Delete")
            #expect(try await cluster.templates.find("cp") == nil)
            let checkpoint = try await cluster.wait(for: "cp") { $0.status?.phase == .terminating }
            #expect(checkpoint.metadata.finalizers.contains(Kruise.Finalizer.checkpoint))
            let free = MergePatch(["metadata": ["finalizers": .null]])
            _ = try await cluster.cluster.snapshots.patch("cp", .merge(free))
            try await cluster.cluster.waitUntilGone(in: cluster.checkpoints, "cp")
        }
    }

    @Test("may come in the middle of its capture") func cancellation() async throws {
        try await CheckpointCluster.run { cluster in
            try await cluster.createSandbox("web")
            try await cluster.createCheckpoint("cp", of: "web")
            try await cluster.play("cp") { $0.phase = .committing }
            try await cluster.wait(for: "cp") { $0.status?.phase == .creating }
            _ = try await cluster.checkpoints.delete("cp")
            try await cluster.cluster.waitUntilGone(in: cluster.checkpoints, "cp")
            #expect(try await cluster.cluster.snapshots.find("cp") == nil)
        }
    }
}
