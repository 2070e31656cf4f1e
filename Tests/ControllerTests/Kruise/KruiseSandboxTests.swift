// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Controller
import Foundation
import KubeClient
import KubeModels
import KubeRuntime
import SandboxModels
import SnapshotProvider
import TestSupport
import Testing

/// The controller on a real cluster, with a provider that captures nothing.
@Suite("A Sandbox of the Kruise dialect on a cluster")
struct KruiseSandboxTests {
    @Test("runs in a pod of its name, is paused and resumed as its users are told, and keeps its name")
    func pauseAndResume() async throws {
        try await KruiseCluster.run { kruise in
            let created = try await kruise.create("my-sandbox")
            let running = try await kruise.waitUntilReady("my-sandbox")
            #expect(running.status?.conditions.map(\.type) == ["Ready"])
            #expect(running.metadata.finalizers.isEmpty)
            let first = try #require(try await kruise.cluster.pods.find("my-sandbox"))
            #expect(first.metadata.labels["agents.kruise.io/sandbox-name"] == "my-sandbox")
            #expect(first.metadata.labels["agents.kruise.io/created-by"] == "sandbox")
            #expect(first.metadata.ownerReferences.map(\.uid) == [created.metadata.uid ?? ""])
            #expect(running.status?.podInfo?.podUID == first.metadata.uid)
            #expect(running.status?.nodeName == first.spec.nodeName)
            #expect(running.status?.sandboxIp == first.status?.podIP)
            #expect(running.status?.updateRevision == first.metadata.labels["pod-template-hash"])
            // Somebody puts a label onto the pod, as admission controllers do.
            let label: JSONValue = ["metadata": ["labels": ["team": "blue"]]]
            _ = try await kruise.cluster.pods.patch("my-sandbox", .merge(MergePatch(label)))
            try await kruise.wait(for: "my-sandbox") { $0.status?.podInfo?.labels["team"] == "blue" }

            let pause = #"{"spec":{"paused":true}}"#
            _ = try await kruise.cluster.kubectl("patch", "sbx", "my-sandbox", "--type=merge", "-p", pause)
            let paused = try await kruise.waitUntilPaused("my-sandbox")
            #expect(paused.status?.phase == .paused)
            #expect(paused.status?.conditions["SandboxPaused"]?.reason == "StopPauseSucceed")
            #expect(paused.status?.conditions["Ready"]?.status == "False")
            #expect(paused.status?.conditions["SandboxResumed"] == nil)
            #expect(paused.status?.sandboxIp == nil)
            #expect(paused.status?.artifact?.imageDigest.hasPrefix("sha256:") == true)
            #expect(paused.metadata.finalizers == ["agents.kruise.io/sandbox"])
            #expect(try await kruise.cluster.pods.find("my-sandbox") == nil)
            #expect(kruise.cluster.provider.calls == ["capture", "seal", "release", "forget"])
            let phase = try await kruise.cluster.kubectl("get", "sbx", "my-sandbox", "-o", "jsonpath={.status.phase}")
            #expect(phase == "Paused")
            let snapshot = try await kruise.cluster.snapshots.get("my-sandbox-pause")
            #expect(snapshot.status?.phase == .succeed)
            #expect(snapshot.spec.source?.kind == "Sandbox")
            #expect(snapshot.status?.containers.first?.imageDigest == paused.status?.artifact?.imageDigest)

            let resume = #"{"spec":{"paused":false,"shutdownTime":"2099-05-13T11:00:00Z"}}"#
            _ = try await kruise.cluster.kubectl("patch", "sbx", "my-sandbox", "--type=merge", "-p", resume)
            let resumed = try await kruise.waitUntilReady("my-sandbox")
            #expect(resumed.metadata.uid == created.metadata.uid)
            #expect(resumed.status?.conditions["SandboxPaused"] == nil)
            #expect(resumed.status?.conditions["SandboxResumed"]?.reason == "ResumePod")
            let second = try #require(try await kruise.cluster.pods.find("my-sandbox"))
            #expect(second.metadata.uid != first.metadata.uid)
            #expect(second.metadata.labels["team"] == "blue")
            // By digest, as it was captured.
            #expect(second.spec.containers.first?.image?.contains("/stasis/busybox@sha256:") == true)
            try await kruise.cluster.waitUntilGone("my-sandbox-pause")
            try await kruise.wait(for: "my-sandbox") { $0.metadata.finalizers.isEmpty }
            _ = try await kruise.waitForEvent("SandboxPaused", about: "my-sandbox")
            let table = try await kruise.cluster.kubectl("get", "sbx")
            #expect(table.contains("2099-05-13T11:00:00Z"), "\(table)")
        }
    }

    @Test("a pause that fails leaves it running, says why, and is tried again when it is asked for again")
    func failedPause() async throws {
        try await KruiseCluster.run { kruise in
            try await kruise.create("box")
            try await kruise.waitUntilReady("box")
            kruise.cluster.provider.change {
                $0.captureFailure = SnapshotFailure("TargetUnavailable", "registry.example refused the login")
            }
            try await kruise.setPaused(true, of: "box")
            let failed = try await kruise.waitForFailedPause(of: "box")
            let condition = try #require(failed.status?.conditions["SandboxPaused"])
            #expect(condition.status == "False")
            #expect(condition.message == "TargetUnavailable: registry.example refused the login")
            #expect(failed.status?.message == condition.message)
            #expect(failed.status?.conditions.isTrue("Ready") == true)
            let event = try await kruise.waitForEvent("CheckpointFailed", about: "box")
            #expect(event.type == "Warning")

            // Another edit is no new wish.
            try await kruise.edit("box", ["spec": ["shutdownTime": "2099-01-01T00:00:00Z"]])
            let edited = try await kruise.wait(for: "box") { $0.status?.observedGeneration == 3 }
            #expect(edited.status?.phase == .running)

            kruise.cluster.provider.change { $0.captureFailure = nil }
            try await kruise.setPaused(false, of: "box")
            try await kruise.setPaused(true, of: "box")
            try await kruise.waitUntilPaused("box")
        }
    }

    @Test("taken back while it is captured, the pause is cancelled, and nothing is lost")
    func cancelledPause() async throws {
        try await KruiseCluster.run { kruise in
            try await kruise.create("box")
            try await kruise.waitUntilReady("box")
            let pod = try await kruise.cluster.pods.get("box")
            kruise.cluster.provider.change { $0.isHeld = true }
            try await kruise.setPaused(true, of: "box")
            let pausing = try await kruise.wait(for: "box") { $0.status?.progress != nil }
            #expect(pausing.status?.phase == .paused)
            #expect(pausing.status?.conditions["SandboxPaused"]?.reason == "CheckpointCreating")
            try await kruise.setPaused(false, of: "box")
            let running = try await kruise.waitForFailedPause(of: "box")
            #expect(running.status?.conditions["SandboxPaused"]?.message?.hasPrefix("PauseCancelled: ") == true)
            #expect(try await kruise.cluster.pods.get("box").metadata.uid == pod.metadata.uid)
            #expect(kruise.cluster.provider.calls.contains("abandon"))
        }
    }

    @Test("an image that is gone leaves it paused, and a later resume succeeds")
    func missingArtifact() async throws {
        try await KruiseCluster.run { kruise in
            try await kruise.create("box") { $0.spec.pauseStrategy = .with { $0.type = .hibernate } }
            try await kruise.waitUntilReady("box")
            try await kruise.setPaused(true, of: "box")
            let paused = try await kruise.waitUntilPaused("box")
            #expect(paused.status?.conditions["SandboxPaused"]?.reason == "SnapshotPauseSucceed")
            kruise.cluster.provider.change {
                $0.verifyFailure = SnapshotFailure("ArtifactMissing", "the image is gone from the registry")
            }
            try await kruise.setPaused(false, of: "box")
            let refused = try await kruise.wait(for: "box") {
                $0.status?.conditions["SandboxResumed"]?.reason == "ArtifactMissing"
            }
            #expect(refused.status?.phase == .paused)
            #expect(refused.status?.message == "ArtifactMissing: the image is gone from the registry")
            kruise.cluster.provider.change { $0.verifyFailure = nil }
            try await kruise.setPaused(true, of: "box")
            try await kruise.setPaused(false, of: "box")
            try await kruise.waitUntilReady("box")
        }
    }

    @Test("memory that nobody keeps is told of where files are kept, and alone it is refused before anything is frozen")
    func contents() async throws {
        try await KruiseCluster.run { kruise in
            try await kruise.create("both") { $0.spec.persistentContents = [.memory, .filesystem] }
            try await kruise.create("alone") { $0.spec.persistentContents = [.memory] }
            try await kruise.waitUntilReady("both")
            try await kruise.waitUntilReady("alone")
            try await kruise.setPaused(true, of: "alone")
            let refused = try await kruise.waitForFailedPause(of: "alone")
            #expect(refused.status?.message?.hasPrefix("MemoryNotSupported: ") == true)
            #expect(!kruise.cluster.provider.calls.contains("capture"))
            try await kruise.setPaused(true, of: "both")
            let paused = try await kruise.waitUntilPaused("both")
            #expect(paused.status?.conditions["SandboxPaused"]?.message?.contains("Its memory is not kept") == true)
            let event = try await kruise.waitForEvent("MemoryNotKept", about: "both")
            #expect(event.type == "Warning")
        }
    }

    @Test("its pod that ends makes it Succeeded or Failed, and neither is a dead end")
    func ended() async throws {
        try await KruiseCluster.run { kruise in
            for (name, code) in [("well", 0), ("badly", 3)] {
                // It ends when it is told to, once.
                let command = "while [ ! -e /end ]; do sleep 0.1; done; exit \(code)"
                var template = kruise.template(command)
                var spec = template["spec"] ?? [:]
                spec["restartPolicy"] = "Never"
                template["spec"] = spec
                let made = RawJSON(template)
                try await kruise.create(name) { $0.spec.template = made }
                try await kruise.waitUntilReady(name)
                try await kruise.cluster.shell("touch /end", in: name)
                let phase: KruiseSandboxPhase = code == 0 ? .succeeded : .failed
                let ended = try await kruise.wait(for: name) { $0.status?.phase == phase }
                #expect(ended.status?.conditions["Ready"]?.status == "False")
                #expect(ended.status?.message?.contains("has ended") == true)
                // There is nothing to pause, and it says so.
                try await kruise.setPaused(true, of: name)
                try await kruise.wait(for: name) {
                    $0.status?.phase == phase
                        && $0.status?.conditions["SandboxPaused"]?.message?.hasPrefix("NothingToPause: ") == true
                }
                try await kruise.setPaused(false, of: name)
                try await kruise.waitUntilReady(name)
            }
        }
    }

    @Test("waits for the template that it refers to, mounts claims of its own, and waits for its pod's name")
    func template() async throws {
        try await KruiseCluster.run { kruise in
            // A pod of somebody else's has its name.
            let stranger = try Pod(
                json:
                    #"{"metadata": {"name": "box"}, "spec": {"schedulerName": "nobody", "automountServiceAccountToken": false, "containers": [{"name": "c", "image": "none"}]}}"#
            )
            _ = try await kruise.cluster.pods.create(stranger)
            try await kruise.create("box") {
                $0.spec.template = nil
                $0.spec.templateRef = .with { $0.name = "python" }
            }
            let taken = try await kruise.wait(for: "box") {
                $0.status?.conditions["Ready"]?.reason == "PodCreateFailed"
            }
            #expect(taken.status?.phase == .pending)
            #expect(taken.status?.message?.hasPrefix("PodOwnerMismatch: ") == true)
            _ = try await kruise.cluster.pods.delete("box", DeleteOptions(gracePeriodSeconds: 0))
            let waiting = try await kruise.wait(for: "box") {
                $0.status?.message?.hasPrefix("TemplateNotFound: ") == true
            }
            #expect(waiting.status?.phase == .pending)

            var template = kruise.template()
            var spec = template["spec"] ?? [:]
            spec["schedulerName"] = "nobody"
            template["spec"] = spec
            let made = RawJSON(template)
            let claim: JSONValue = [
                "metadata": ["name": "data"], "spec": ["resources": ["requests": ["storage": "1Gi"]]],
            ]
            let claims = [RawJSON(claim)]
            _ = try await kruise.templates.create(
                .with {
                    $0.metadata.name = "python"
                    $0.spec.template = made
                    $0.spec.volumeClaimTemplates = claims
                }
            )
            let pod = try await kruise.cluster.wait(in: kruise.cluster.pods, for: "box") { change in
                change.object.metadata.labels["app"] == "box" ? change.object : nil
            }
            #expect(pod.spec.volumes.first { $0.name == "data" }?.persistentVolumeClaim?.claimName == "data-box")
            let owned = try await kruise.claims.get("data-box")
            #expect(owned.metadata.ownerReferences.map(\.kind) == ["Sandbox"])
            #expect(owned.spec.accessModes == ["ReadWriteOnce"])
            let pending = try await kruise.wait(for: "box") { $0.status?.message == nil }
            #expect(pending.status?.conditions["Ready"]?.reason == "PodReady")
        }
    }

    @Test("a snapshot that names it as its source is taken; without the dialect it is refused")
    func snapshots() async throws {
        let source = SnapshotOrigin.with {
            $0.apiVersion = "agents.kruise.io/v1alpha1"
            $0.kind = "Sandbox"
            $0.name = "box"
        }
        try await KruiseCluster.run { kruise in
            try await kruise.create("box")
            try await kruise.waitUntilReady("box")
            // One of the other dialect that has its name is another sandbox.
            try await kruise.cluster.create("box", replicas: 0)
            try await kruise.cluster.capture("box", as: "one") { $0.spec.source = source }
            let taken = try await kruise.cluster.wait(forSnapshot: "one") { $0.status?.phase == .succeed }
            #expect(taken.status?.sourcePodName == "box")
            let other = try await kruise.cluster.capture("box", as: "other")
            let refused = try await kruise.cluster.wait(forSnapshot: other.metadata.name) {
                $0.status?.phase == .failed
            }
            #expect(refused.status?.conditions["Failed"]?.message?.contains("no replicas") == true)
            // The pause goes on afterwards.
            try await kruise.setPaused(true, of: "box")
            try await kruise.waitUntilPaused("box")
            try await kruise.cluster.capture("box", as: "late") { $0.spec.source = source }
            let late = try await kruise.cluster.wait(forSnapshot: "late") { $0.status?.phase == .failed }
            #expect(late.status?.conditions["Failed"]?.message?.contains("sha256:") == true)
        }
        try await SandboxCluster.run { cluster in
            try await cluster.capture("box", as: "one") { $0.spec.source = source }
            let refused = try await cluster.wait(forSnapshot: "one") { $0.status?.phase == .failed }
            #expect(refused.status?.conditions["Failed"]?.reason == "SourceNotSupported")
        }
    }
}
