// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Controller
import KubeClient
import KubeModels
import SandboxModels
import SnapshotProvider
import TestSupport
import Testing

/// Snapshots that somebody asks for, with a provider that captures nothing.
@Suite("A SandboxSnapshot on a cluster")
struct SnapshotTests {
    @Test("of a running sandbox succeeds, says all about it, and the sandbox runs on")
    func running() async throws {
        try await SandboxCluster.run { cluster in
            try await cluster.create("box")
            try await cluster.wait(for: "box") { $0.status?.phase == .succeed }
            let pod = try #require(try await cluster.pods.find("box-0"))
            try await cluster.capture("box", as: "keep")
            let taken = try await cluster.wait(forSnapshot: "keep") { $0.status?.phase?.isFinal == true }
            let status = try #require(taken.status)
            #expect(status.phase == .succeed)
            #expect(status.conditions.map(\.type) == ["Ready"])
            #expect(status.conditions.first?.reason == "SnapshotReady")
            #expect(status.observedGeneration == taken.metadata.generation)
            #expect(status.sourcePodName == "box-0")
            #expect(status.sourcePodUID == pod.metadata.uid)
            #expect(status.sourceNodeName == cluster.testbed.node)
            #expect(status.containers.map(\.containerName) == ["main"])
            #expect(status.containers.first?.imageUri.hasPrefix("registry.example/sandboxes/box-main:snap-") == true)
            #expect(status.containers.first?.imageDigest?.hasPrefix("sha256:") == true)
            #expect(status.startTime != nil && status.completionTime != nil && status.progress == nil)
            #expect(taken.metadata.finalizers == ["sandboxsnapshot.sandbox.opensandbox.io/cleanup"])
            #expect(taken.metadata.ownerReferences.isEmpty)
            #expect(cluster.provider.calls == ["capture", "abandon", "forget"])

            let after = try await cluster.sandboxes.get("box")
            #expect(after.status?.phase == .succeed)
            #expect(try await cluster.pods.find("box-0")?.metadata.uid == pod.metadata.uid)

            // It outlives its sandbox, and its images outlive it.
            _ = try await cluster.sandboxes.delete("box")
            _ = try await cluster.snapshots.delete("keep")
            try await cluster.waitUntilGone("keep")
            #expect(cluster.provider.deleted.isEmpty)
        }
    }

    @Test("of a sandbox that does not exist fails and names it, and nothing is captured")
    func noSandbox() async throws {
        try await SandboxCluster.run { cluster in
            try await cluster.capture("nobody", as: "keep")
            let failed = try await cluster.wait(forSnapshot: "keep") { $0.status?.phase?.isFinal == true }
            #expect(failed.status?.phase == .failed)
            #expect(failed.status?.conditions.map(\.type) == ["Failed"])
            #expect(failed.status?.conditions.first?.reason == "BatchSandboxLookupFailed")
            #expect(failed.status?.conditions.first?.message?.contains("nobody") == true)
            #expect(cluster.provider.calls.isEmpty)
            // Final is final, also when there is one.
            try await cluster.create("nobody")
            try await cluster.wait(for: "nobody") { $0.status?.phase == .succeed }
            #expect(try await cluster.snapshots.get("keep").status?.phase == .failed)
            #expect(cluster.provider.calls.isEmpty)
        }
    }

    @Test("that is asked for together with its sandbox waits until that runs")
    func asksEarly() async throws {
        try await SandboxCluster.run { cluster in
            try await cluster.create("box")
            try await cluster.capture("box", as: "keep")
            let taken = try await cluster.wait(forSnapshot: "keep") { $0.status?.phase?.isFinal == true }
            #expect(taken.status?.phase == .succeed)
        }
    }

    @Test("whose capture fails says why, and a pause comes about afterwards")
    func failing() async throws {
        try await SandboxCluster.run { cluster in
            try await cluster.create("box")
            try await cluster.wait(for: "box") { $0.status?.phase == .succeed }
            let failure = SnapshotFailure("TargetUnavailable", "registry.example refused the login")
            cluster.provider.change { $0.captureFailure = failure }
            try await cluster.capture("box", as: "keep")
            let failed = try await cluster.wait(forSnapshot: "keep") { $0.status?.phase?.isFinal == true }
            #expect(failed.status?.phase == .failed)
            #expect(failed.status?.conditions["Failed"]?.reason == "TargetUnavailable")
            cluster.provider.change { $0.captureFailure = nil }
            try await cluster.setPause(true, of: "box")
            try await cluster.wait(for: "box") { $0.status?.phase == .paused }
        }
    }

    @Test("that is deleted during its capture ends it first, and gives the turn back")
    func deletion() async throws {
        try await SandboxCluster.run { cluster in
            cluster.provider.change { $0.isHeld = true }
            try await cluster.create("box")
            try await cluster.capture("box", as: "keep")
            try await cluster.wait(forSnapshot: "keep") { $0.status?.phase == .committing }
            _ = try await cluster.snapshots.delete("keep")
            try await cluster.waitUntilGone("keep")
            #expect(cluster.provider.calls == ["capture", "abandon", "forget"])
            cluster.provider.change { $0.isHeld = false }
            try await cluster.setPause(true, of: "box")
            try await cluster.wait(for: "box") { $0.status?.phase == .paused }
            #expect(cluster.provider.mistakes.isEmpty)
        }
    }

    @Test("two at once are taken one after the other, the older first")
    func queue() async throws {
        try await SandboxCluster.run { cluster in
            cluster.provider.change { $0.isHeld = true }
            try await cluster.create("box")
            let first = try await cluster.capture("box", as: "a")
            try await cluster.wait(forSnapshot: "a") { $0.status?.phase == .committing }
            let second = try await cluster.capture("box", as: "b")
            let waiting = try await cluster.wait(forSnapshot: "b") { $0.status?.progress != nil }
            #expect(waiting.status?.phase == .pending)
            #expect(waiting.status?.progress?.summary == "waiting: another snapshot of the sandbox is being taken")
            cluster.provider.change { $0.isHeld = false }
            for name in ["a", "b"] {
                let taken = try await cluster.wait(forSnapshot: name) { $0.status?.phase?.isFinal == true }
                #expect(taken.status?.phase == .succeed)
            }
            #expect(cluster.provider.begun == [first.metadata.uid, second.metadata.uid])
            #expect(cluster.provider.mistakes.isEmpty)
        }
    }

    @Test("a pause that arrives during a snapshot waits for its end, and goes before the next one")
    func pauseDuringSnapshot() async throws {
        try await SandboxCluster.run { cluster in
            cluster.provider.change { $0.isHeld = true }
            try await cluster.create("box")
            try await cluster.capture("box", as: "a")
            try await cluster.wait(forSnapshot: "a") { $0.status?.phase == .committing }
            try await cluster.setPause(true, of: "box")
            try await cluster.capture("box", as: "b")
            try await cluster.wait(forSnapshot: "b") { $0.status?.progress != nil }
            #expect(try await cluster.sandboxes.get("box").status?.phase == .succeed)
            #expect(cluster.provider.begun.count == 1)
            cluster.provider.change { $0.isHeld = false }
            try await cluster.wait(for: "box") { $0.status?.phase == .paused }
            #expect(try await cluster.snapshots.get("a").status?.phase == .succeed)
            // It had to wait, and then nothing ran.
            let refused = try await cluster.wait(forSnapshot: "b") { $0.status?.phase?.isFinal == true }
            #expect(refused.status?.conditions["Failed"]?.reason == "SandboxPaused")
            #expect(cluster.provider.mistakes.isEmpty)
        }
    }

    @Test("during a pause it waits, and of a paused sandbox it is refused with the digest that there is")
    func snapshotDuringPause() async throws {
        try await SandboxCluster.run { cluster in
            cluster.provider.change { $0.isHeld = true }
            try await cluster.create("box")
            try await cluster.wait(for: "box") { $0.status?.phase == .succeed }
            try await cluster.setPause(true, of: "box")
            let pausing = try await cluster.wait(for: "box") { $0.status?.progress != nil }
            #expect(pausing.status?.phase == .pausing)
            #expect(pausing.status?.progress?.summary == "copying 50% of 1 GiB")
            let pause = try await cluster.wait(forSnapshot: "box-pause") { $0.status?.progress?.bytesRead != nil }
            #expect(pause.status?.phase == .committing)
            try await cluster.capture("box", as: "keep")
            let waiting = try await cluster.wait(forSnapshot: "keep") { $0.status?.progress != nil }
            #expect(waiting.status?.phase == .pending)
            #expect(waiting.status?.progress?.summary == "waiting: the sandbox is being paused")
            cluster.provider.change { $0.isHeld = false }
            let paused = try await cluster.wait(for: "box") { $0.status?.phase == .paused }
            #expect(paused.status?.progress == nil)
            let refused = try await cluster.wait(forSnapshot: "keep") { $0.status?.phase?.isFinal == true }
            let condition = try #require(refused.status?.conditions["Failed"])
            #expect(condition.reason == "SandboxPaused")
            let digest = try #require(paused.status?.artifact?.imageDigest)
            #expect(condition.message?.contains(digest) == true)
            #expect(cluster.provider.begun.count == 1)
            #expect(cluster.provider.mistakes.isEmpty)

            try await cluster.setPause(false, of: "box")
            try await cluster.wait(for: "box") { $0.status?.phase == .succeed }
            try await cluster.capture("box", as: "again")
            let taken = try await cluster.wait(forSnapshot: "again") { $0.status?.phase?.isFinal == true }
            #expect(taken.status?.phase == .succeed)
        }
    }

    @Test("of a sandbox from a pool is taken of the pod that it was given, one at a time")
    func pooled() async throws {
        try await SandboxCluster.run(isControlled: false) { cluster in
            let pods = try await cluster.createPool(pods: ["pool-a"])
            try await cluster.createPooled("box", pods: pods)
            try await cluster.control(cluster.client) {
                cluster.provider.change { $0.isHeld = true }
                let first = try await cluster.capture("box", as: "a")
                try await cluster.wait(forSnapshot: "a") { $0.status?.phase == .committing }
                let second = try await cluster.capture("box", as: "b")
                let waiting = try await cluster.wait(forSnapshot: "b") { $0.status?.progress != nil }
                #expect(waiting.status?.progress?.summary == "waiting: another snapshot of the sandbox is being taken")
                cluster.provider.change { $0.isHeld = false }
                for name in ["a", "b"] {
                    let taken = try await cluster.wait(forSnapshot: name) { $0.status?.phase?.isFinal == true }
                    #expect(taken.status?.phase == .succeed)
                    #expect(taken.status?.sourcePodName == "pool-a")
                }
                #expect(cluster.provider.begun == [first.metadata.uid, second.metadata.uid])
                #expect(cluster.provider.mistakes.isEmpty)
            }
        }
    }

    @Test("kubectl shows how far it is, what came of it, and what happened")
    func kubectl() async throws {
        try await SandboxCluster.run { cluster in
            cluster.provider.change { $0.isHeld = true }
            try await cluster.create("box")
            try await cluster.capture("box", as: "keep")
            try await cluster.wait(forSnapshot: "keep") { $0.status?.progress?.bytesRead != nil }
            let during = try await cluster.kubectl("get", "sbxsnap", "keep")
            let columns = during.split(separator: "\n").first?.split(separator: " ")
            // Upstream's first, and the age last.
            #expect(columns == ["NAME", "PHASE", "SANDBOX", "PROGRESS", "IMAGE", "AGE"])
            #expect(
                during.contains("Committing   box       copying 50% of 1 GiB   registry.example/sandboxes/box-main:")
            )
            cluster.provider.change { $0.isHeld = false }
            let taken = try await cluster.wait(forSnapshot: "keep") { $0.status?.phase?.isFinal == true }
            let image = try #require(taken.status?.containers.first)
            _ = try await cluster.testbed.firstLine(
                of: ["--namespace", cluster.namespace, "get", "events", "--watch"],
                where: { $0.contains("JobSucceeded") }
            )
            let after = try await cluster.kubectl("get", "bsbx,sbxsnap", "--output", "wide")
            #expect(after.contains("Succeed"))
            #expect(after.contains(image.imageUri))
            #expect(after.contains(image.imageDigest ?? "none"))
            #expect(after.contains(cluster.testbed.node))
            let story = try await cluster.kubectl("describe", "sbxsnap", "keep")
            for word in ["SnapshotReady", "CreatedJob", "Capturing pod box-0 on node", "JobSucceeded"] {
                #expect(story.contains(word), "\(word) is not told in: \(story)")
            }

            try await cluster.setPause(true, of: "box")
            try await cluster.wait(for: "box") { $0.status?.phase == .paused }
            let paused = try await cluster.kubectl("get", "bsbx", "box", "--output", "wide")
            #expect(paused.contains("Paused") && paused.contains("registry.example/sandboxes/box-main:snap-gen"))
        }
    }

    @Test("its images are deleted with it if it says so and nothing refers to them")
    func deletePolicy() async throws {
        try await SandboxCluster.run { cluster in
            try await cluster.create("box")
            for name in ["unused", "used"] {
                try await cluster.capture("box", as: name) {
                    $0.metadata.annotations["stasis.dev/delete-policy"] = "Delete"
                }
            }
            let unused = try await cluster.wait(forSnapshot: "unused") { $0.status?.phase == .succeed }
            let used = try await cluster.wait(forSnapshot: "used") { $0.status?.phase == .succeed }
            let image = try #require(used.status?.containers.first?.imageUri)
            _ = try await cluster.sandboxes.create(
                .with {
                    $0.metadata.name = "child"
                    $0.spec.replicas = 0
                    let container: JSONValue = ["name": "main", "image": .string(image)]
                    $0.spec.template = RawJSON(["spec": ["containers": [container]]])
                }
            )
            try await cluster.wait(for: "child") { $0.metadata.annotations["stasis.dev/record"] != nil }
            for name in ["unused", "used"] {
                _ = try await cluster.snapshots.delete(name)
                try await cluster.waitUntilGone(name)
            }
            let digests = cluster.provider.deleted.flatMap(\.parts).map(\.digest)
            #expect(digests == unused.status?.containers.compactMap(\.imageDigest))
        }
    }
}

extension SandboxSnapshotPhase {
    /// Whether it never changes any more.
    fileprivate var isFinal: Bool { self == .succeed || self == .failed }
}
