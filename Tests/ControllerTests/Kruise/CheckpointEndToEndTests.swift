// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Foundation
import KubeClient
import KubeModels
import KubeRuntime
import SandboxModels
import TestSupport
import Testing

@Suite("A Checkpoint of a sandbox that runs on a node")
struct CheckpointEndToEndTests {
    private static let name = "checkpoint-code-demo-01"
    private static let sandbox = "code-interpreter-28rvn"

    /// The example of the documentation.
    private static func example(in namespace: String) -> String {
        """
        apiVersion: agents.kruise.io/v1alpha1
        kind: Checkpoint
        metadata:
          name: checkpoint-code-demo-01
          namespace: \(namespace)
        spec:
          # Target Pod name
          podName: code-interpreter-28rvn
          # Whether the Pod remains Running after the checkpoint completes.
          # If false, the Pod phase transitions to Succeeded.
          keepRunning: true
          # Auto-GC the Checkpoint CR after this duration. Accepts Go duration format (30m, 30h, 30d).
          # When unset, the Checkpoint is kept until explicitly deleted.
          ttlAfterFinished: 30h
          # What to persist. Currently only "memory" and "filesystem" are supported.
          # Defaults to both.
          persistentContents:
          - memory
          - filesystem
        """
    }

    @Test("is made, listed, cloned and deleted as documented", .timeLimit(.minutes(10))) func documented() async throws
    {
        try await Self.run { kruise, checkpoints in
            let cluster = kruise.cluster
            try await kruise.create(Self.sandbox)
            try await kruise.waitUntilReady(Self.sandbox)
            let started = try await cluster.pods.get(Self.sandbox).metadata.uid
            try await cluster.shell("echo kept > /kept", in: Self.sandbox)
            _ = try await cluster.testbed.kubectl(
                ["apply", "--filename", "-"],
                input: Self.example(in: cluster.namespace)
            )
            let checkpoint = try await cluster.wait(in: checkpoints, for: Self.name) { change in
                change.object.status?.isFinal == true ? change.object : nil
            }
            #expect(checkpoint.status?.phase == .succeeded, "\(checkpoint.status?.message ?? "")")
            #expect(checkpoint.status?.checkpointId == Self.name)
            #expect(checkpoint.status?.artifact?.frozenMilliseconds != nil)
            #expect(checkpoint.status?.message?.contains("memory was not captured") == true)

            for arguments in [["get", "cp"], ["get", "cp", "-l", "agents.kruise.io/sandbox-name=\(Self.sandbox)"]] {
                let listed = try await cluster.testbed.kubectl(["--namespace", cluster.namespace] + arguments)
                let lines = listed.split(separator: "\n").map { $0.split(separator: " ") }
                #expect(lines.first == ["NAME", "STATUS", "AGE"])
                #expect(lines.last?.prefix(2) == ["checkpoint-code-demo-01", "Succeeded"])
            }

            // It was only frozen for a moment.
            #expect(try await cluster.pods.get(Self.sandbox).metadata.uid == started)
            try await cluster.shell("echo later > /kept", in: Self.sandbox)
            try await Self.clone(Self.name, as: "clone", in: kruise)
            #expect(try await cluster.shell("cat /kept", in: "clone") == "kept\n")

            _ = try await cluster.kubectl("delete", "cp", Self.name)
            #expect(try await kruise.templates.find(Self.name) == nil)
            #expect(try await cluster.snapshots.find(Self.name) == nil)
            #expect(try await cluster.shell("cat /kept", in: "clone") == "kept\n")
        }
    }

    /// What the sandbox has done outside is never more than what was captured of it.
    @Test("loses nothing of a sandbox that ends with it", .timeLimit(.minutes(10))) func ending() async throws {
        let folder = URL(filePath: "/tmp/checkpoint-\(UUID().uuidString.prefix(8))")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        try await Self.run { kruise, checkpoints in
            let cluster = kruise.cluster
            let loop = """
                [ -f /n ] && cp /n /first; n=0; while :; do n=$((n+1)); echo $n > /n.new; mv /n.new /n; echo $n > /outside/new; \
                mv /outside/new /outside/n; done
                """
            try await kruise.create("box") { sandbox in
                var template: PodTemplateSpec = try RawJSON(kruise.template(loop)).decoded()
                template.spec.volumes = [
                    .with {
                        $0.name = "outside"
                        $0.hostPath = .with { $0.path = folder.path() }
                    }
                ]
                template.spec.containers[0].volumeMounts = [
                    .with {
                        $0.name = "outside"
                        $0.mountPath = "/outside"
                    }
                ]
                sandbox.spec.template = RawJSON(template)
            }
            try await kruise.waitUntilReady("box")
            _ = try await checkpoints.create(
                .with {
                    $0.metadata.name = "last"
                    $0.spec.sandboxName = "box"
                    $0.spec.keepRunning = false
                }
            )
            let checkpoint = try await cluster.wait(in: checkpoints, for: "last") { change in
                change.object.status?.isFinal == true ? change.object : nil
            }
            #expect(checkpoint.status?.phase == .succeeded, "\(checkpoint.status?.message ?? "")")
            try await kruise.wait(for: "box") { $0.status?.phase == .succeeded }
            #expect(try await cluster.pods.find("box") == nil)
            let outside = try Self.number(String(contentsOf: folder.appending(path: "n"), encoding: .utf8))

            try await Self.clone("last", as: "clone", in: kruise)
            let captured = try Self.number(try await cluster.shell("cat /first", in: "clone"))
            #expect(outside > 0 && captured >= outside)
            _ = try await cluster.kubectl("delete", "cp", "last")
            _ = try await cluster.kubectl("delete", "sbx", "box", "clone")
        }
    }

    private static func number(_ text: String) throws -> Int {
        try #require(Int(text.trimmingCharacters(in: .whitespacesAndNewlines)))
    }

    /// Makes a sandbox from a checkpoint as whoever clones does it, and waits until it is ready.
    private static func clone(_ checkpoint: String, as name: String, in kruise: KruiseCluster) async throws {
        let template = try await kruise.templates.get(checkpoint)
        try await kruise.create(name) {
            $0.metadata.annotations[Kruise.Annotation.restoreFrom] = checkpoint
            $0.spec.template = template.spec.template
            $0.spec.persistentContents = template.spec.persistentContents
        }
        try await kruise.waitUntilReady(name)
    }

    private static func run(
        _ body: @escaping @Sendable (KruiseCluster, ResourceClient<KruiseCheckpoint>) async throws -> Void
    ) async throws {
        try await KruiseCluster.run(capturing: { _ in }) { kruise in
            let checkpoints: ResourceClient<KruiseCheckpoint> =
                kruise.cluster.client.resource(in: .named(kruise.cluster.namespace))
            do {
                try await body(kruise, checkpoints)
            } catch {
                // Soon no controller is there to do it.
                for object in (try? await checkpoints.list().items) ?? [] {
                    let change = MergePatch(["metadata": ["finalizers": .null]])
                    _ = try? await checkpoints.patch(object.metadata.name, .merge(change))
                }
                throw error
            }
        }
    }
}
