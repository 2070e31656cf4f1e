// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import KubeClient
import KubeModels
import SandboxModels
import SnapshotProvider
import TestSupport
import Testing

@Suite("A Checkpoint")
struct CheckpointTests {
    @Test("is captured by a SandboxSnapshot of its name, and paired with a template that starts from that")
    func capture() async throws {
        try await CheckpointCluster.run { cluster in
            let sandbox = try await cluster.createSandbox("web") {
                $0.spec.persistentContents = [.filesystem]
                $0.spec.runtimes = [.with { $0.name = "agent-runtime" }]
                $0.spec.pauseStrategy = .with { $0.type = .stop }
                $0.spec.volumeClaimTemplates = [try RawJSON(#"{"metadata":{"name":"data"}}"#)]
            }
            try await cluster.createCheckpoint("cp", of: "web")
            let snapshot = try await cluster.cluster.wait(forSnapshot: "cp") { _ in true }
            var checkpoint = try await cluster.wait(for: "cp") { $0.status?.phase == .pending }
            #expect(snapshot.metadata.ownerReferences == [checkpoint.controllerReference()])
            #expect(!snapshot.isOfPause)
            #expect(snapshot.spec.sandboxName == "web")
            #expect(snapshot.spec.source?.kind == "Sandbox" && snapshot.spec.source?.name == "web")
            #expect(snapshot.spec.source?.apiVersion == "agents.kruise.io/v1alpha1")
            #expect(checkpoint.metadata.labels[Kruise.Label.sandboxName] == "web")
            #expect(checkpoint.metadata.labels[Kruise.Label.checkpointType] == "filesystem")
            #expect(checkpoint.metadata.finalizers == [Kruise.Finalizer.checkpoint])
            #expect(checkpoint.status?.checkpointId == nil && checkpoint.status?.completionTime == nil)

            try await cluster.play("cp") {
                $0.phase = .pending
                $0.progress = .with {
                    $0.stage = "waiting"
                    $0.summary = "waiting: the sandbox is being paused"
                }
            }
            try await cluster.wait(for: "cp") { $0.status?.message == "waiting: the sandbox is being paused" }
            try await cluster.play("cp") {
                $0.phase = .committing
                $0.progress = .with {
                    $0.stage = "copying"
                    $0.bytesRead = 5
                    $0.summary = "copying 5 B"
                }
            }
            checkpoint = try await cluster.wait(for: "cp") { $0.status?.phase == .creating }
            #expect(checkpoint.status?.progress?.summary == "copying 5 B" && checkpoint.status?.message == nil)
            #expect(try await cluster.templates.find("cp") == nil)

            // What the sandbox becomes meanwhile is not what was captured.
            _ = try await cluster.sandboxes.patch(
                "web",
                .merge(MergePatch(["spec": ["template": ["spec": ["containers": []]]]]))
            )
            try await cluster.playSuccess("cp")
            checkpoint = try await cluster.wait(for: "cp") { $0.status?.phase == .succeeded }
            let status = try #require(checkpoint.status)
            #expect(status.checkpointId == "cp" && status.completionTime != nil && status.progress == nil)
            #expect(status.observedGeneration == checkpoint.metadata.generation)
            #expect(status.message == nil && status.conditions.map(\.type) == ["Ready"])
            #expect(status.artifact?.imageDigest == CheckpointCluster.digest("main") && status.artifact?.size == 14)
            #expect(status.artifact?.frozenMilliseconds == 42)
            #expect(checkpoint.metadata.labels[Kruise.Label.checkpointID] == "cp")

            let template = try await cluster.templates.get("cp")
            #expect(template.metadata.ownerReferences == [checkpoint.controllerReference()])
            #expect(template.spec.persistentContents == [.filesystem])
            #expect(template.spec.runtimes == sandbox.spec.runtimes)
            #expect(template.spec.pauseStrategy?.type == .stop)
            #expect(template.spec.volumeClaimTemplates.count == 1)
            let pods = try #require(try template.spec.podTemplate())
            #expect(
                pods.spec.containers.map(\.image)
                    == ["main", "side"].map {
                        "registry.example/sandboxes/web-\($0):snap-1@\(CheckpointCluster.digest($0))"
                    }
            )
            #expect(pods.spec.containers.first?.unknownFields["later"]?.text == #"{"x":1}"#)
            #expect(pods.spec.imagePullSecrets.map(\.name) == ["pull"])
            #expect(pods.metadata?.labels == ["app": "web"])
            for reason in ["CheckpointStarted", "CheckpointSucceeded"] {
                try await cluster.cluster.waitForEvent(reason)
            }
        }
    }

    @Test("is shown by kubectl as documented") func columns() async throws {
        try await CheckpointCluster.run { cluster in
            try await cluster.createSandbox("web")
            try await cluster.createCheckpoint("cp", of: "web")
            try await cluster.playSuccess("cp")
            try await cluster.wait(for: "cp") { $0.status?.phase == .succeeded }
            let lines = try await cluster.cluster.kubectl("get", "cp").split(separator: "\n")
            #expect(lines.first?.split(separator: " ") == ["NAME", "STATUS", "AGE"])
            #expect(lines.last?.split(separator: " ").prefix(2) == ["cp", "Succeeded"])
            let selected = try await cluster.cluster.kubectl("get", "cp", "-l", "agents.kruise.io/sandbox-name=web")
            #expect(selected.contains("cp "))
        }
    }

    @Test("that fails says why, and is in nobody's way") func failure() async throws {
        try await CheckpointCluster.run { cluster in
            try await cluster.createSandbox("web")
            try await cluster.createCheckpoint("one", of: "web")
            try await cluster.play("one") {
                $0.phase = .failed
                $0.conditions["Failed"] = .with {
                    $0.type = "Failed"
                    $0.status = "True"
                    $0.reason = "RegistryUnreachable"
                    $0.message = "The registry does not answer."
                }
            }
            let problem = try await cluster.waitForFailure(of: "one")
            #expect(problem == Problem("RegistryUnreachable", "The registry does not answer."))
            let failed = try await cluster.checkpoints.get("one")
            #expect(failed.status?.completionTime != nil && failed.status?.checkpointId == nil)
            #expect(try await cluster.templates.find("one") == nil)
            try await cluster.cluster.waitForEvent("CheckpointFailed")
            try await cluster.createCheckpoint("two", of: "web")
            try await cluster.playSuccess("two")
            try await cluster.wait(for: "two") { $0.status?.phase == .succeeded }
        }
    }

    @Test("that cannot come about is refused before anything is begun") func refusals() async throws {
        try await CheckpointCluster.run { cluster in
            try await cluster.createSandbox("web")
            try await cluster.createSandbox("broken") {
                $0.spec.template = try RawJSON(#"{"spec":{"containers":"none"}}"#)
            }
            try await cluster.createSandbox("absent") {
                $0.spec.template = nil
                $0.spec.templateRef = .with { $0.name = "nowhere" }
            }
            _ = try await cluster.templates.create(.with { $0.metadata.name = "taken" })
            try await cluster.cluster.capture("other", as: "taken-too")
            let cases: [(name: String, reason: String, change: (inout KruiseCheckpoint) -> Void)] = [
                ("no-source", "InvalidSource", { $0.spec.podName = nil }),
                ("contradiction", "InvalidSource", { $0.spec.sandboxName = "broken" }),
                ("no-sandbox", "SandboxNotFound", { $0.spec.podName = "nobody" }),
                ("memory", "MemoryNotSupported", { $0.spec.persistentContents = [.memory] }),
                ("gpu", "InvalidContents", { $0.spec.persistentContents = [KruiseContent(rawValue: "gpu")] }),
                ("unreadable", "TemplateUnreadable", { $0.spec.podName = "broken" }),
                ("absent", "TemplateNotFound", { $0.spec.podName = "absent" }),
                ("taken", "NameTaken", { _ in }),
                ("taken-too", "NameTaken", { _ in }),
                (
                    "losing", "InvalidContents",
                    {
                        $0.spec.keepRunning = false
                        $0.spec.persistentContents = [.podInfo]
                    }
                ),
            ]
            for refused in cases {
                try await cluster.createCheckpoint(refused.name, of: "web", refused.change)
                let problem = try await cluster.waitForFailure(of: refused.name)
                #expect(problem.reason == refused.reason, "\(refused.name): \(problem)")
                #expect(try await cluster.checkpoints.get(refused.name).metadata.finalizers == [])
            }
            #expect(try await cluster.cluster.snapshots.list().items.map(\.metadata.name) == ["taken-too"])
            let sandbox = try await cluster.sandboxes.get("web")
            #expect(!sandbox.endsWithCheckpoint && sandbox.spec.paused == nil)
        }
    }

    @Test("of the pod's description alone succeeds at once") func infoOnly() async throws {
        try await CheckpointCluster.run { cluster in
            _ = try await cluster.templates.create(
                .with {
                    $0.metadata.name = "demo"
                    $0.spec.template = try? RawJSON(CheckpointCluster.template)
                    $0.spec.persistentContents = [.memory]
                }
            )
            try await cluster.createSandbox("web") {
                $0.spec.template = nil
                $0.spec.templateRef = .with { $0.name = "demo" }
            }
            try await cluster.createCheckpoint("cp", of: nil) {
                $0.spec.sandboxName = "web"
                $0.spec.persistentContents = [.podInfo]
            }
            let checkpoint = try await cluster.wait(for: "cp") { $0.status?.phase == .succeeded }
            #expect(checkpoint.metadata.finalizers == [] && checkpoint.status?.checkpointId == "cp")
            #expect(checkpoint.metadata.labels[Kruise.Label.checkpointType] == "podInfo")
            #expect(checkpoint.status?.artifact == nil)
            #expect(try await cluster.cluster.snapshots.find("cp") == nil)
            // Of its template all is in it, though the sandbox has none of its own.
            let template = try await cluster.templates.get("cp")
            #expect(try template.spec.podTemplate()?.spec.containers.map(\.image) == ["busybox:1", "busybox:1"])
            #expect(template.spec.persistentContents == [.memory])
        }
    }

    @Test("without the memory that was asked for tells that in all places", arguments: [true, false])
    func withoutMemory(isExplicit: Bool) async throws {
        try await CheckpointCluster.run { cluster in
            try await cluster.createSandbox("web")
            try await cluster.createCheckpoint("cp", of: "web") {
                if isExplicit { $0.spec.persistentContents = [.memory, .filesystem] }
            }
            try await cluster.playSuccess("cp")
            let checkpoint = try await cluster.wait(for: "cp") { $0.status?.phase == .succeeded }
            #expect(checkpoint.status?.message?.contains("memory was not captured") == true)
            #expect(checkpoint.status?.conditions["Degraded"]?.reason == "MemoryNotCaptured")
            #expect(checkpoint.metadata.labels[Kruise.Label.checkpointType] == "filesystem")
            let line = try await cluster.cluster.waitForEvent("MemoryNotCaptured")
            #expect(line.contains("Warning") == isExplicit)
        }
    }

    @Test("has the memory where the provider saves it") func withMemory() async throws {
        try await CheckpointCluster.run(provider: PlayedProvider(contents: [.filesystem, .memory])) { cluster in
            try await cluster.createSandbox("web")
            try await cluster.createCheckpoint("cp", of: "web")
            try await cluster.playSuccess("cp")
            let checkpoint = try await cluster.wait(for: "cp") { $0.status?.phase == .succeeded }
            #expect(checkpoint.status?.message == nil && checkpoint.status?.conditions.map(\.type) == ["Ready"])
            #expect(checkpoint.metadata.labels[Kruise.Label.checkpointType] == "filesystem-memory")
        }
    }

    @Test("takes the template that was made for it as its own") func templateOfOthers() async throws {
        try await CheckpointCluster.run { cluster in
            try await cluster.createSandbox("web")
            let checkpoint = try await cluster.createCheckpoint("cp", of: "web")
            try await cluster.cluster.wait(forSnapshot: "cp") { _ in true }
            _ = try await cluster.templates.create(
                .with {
                    $0.metadata.name = "cp"
                    $0.metadata.ownerReferences = [checkpoint.controllerReference()]
                    $0.spec.template = try? RawJSON(CheckpointCluster.template)
                    $0.spec.persistentContents = [.memory]
                }
            )
            try await cluster.playSuccess("cp")
            try await cluster.wait(for: "cp") { $0.status?.phase == .succeeded }
            let template = try await cluster.templates.get("cp")
            #expect(template.spec.persistentContents == [])
            #expect(try template.spec.podTemplate()?.spec.containers.first?.image?.contains("@sha256:") == true)
        }
    }

    @Test("whose snapshot somebody deletes has failed") func withoutSnapshot() async throws {
        try await CheckpointCluster.run { cluster in
            try await cluster.createSandbox("web")
            try await cluster.createCheckpoint("cp", of: "web")
            try await cluster.play("cp") { $0.phase = .committing }
            try await cluster.wait(for: "cp") { $0.status?.phase == .creating }
            _ = try await cluster.cluster.snapshots.delete("cp")
            #expect(try await cluster.waitForFailure(of: "cp").reason == "SnapshotGone")
        }
    }
}
