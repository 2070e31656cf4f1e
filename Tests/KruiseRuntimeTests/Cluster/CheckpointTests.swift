// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import ClusterView
import KubeClient
import KubeModels
import KubeRuntime
import SandboxModels
import Testing

import struct Foundation.Date

@testable import KruiseRuntime

/// Snapshots as Checkpoints, and what is made from them.
@Suite("Snapshots of sandboxes of the Kruise dialect")
struct CheckpointTests {
    @Test func takenAndCloned() async throws {
        try await KruiseCluster.run { cluster in
            try await cluster.createTemplate("plain")
            let id = try await cluster.create("plain", owner: "3f0c") { $0.environment = ["A": "b"] }.id
            let options = SnapshotOptions(
                name: "mine",
                owner: "3f0c",
                keepRunning: false,
                timeToLive: 108_000,
                contents: ["memory", "filesystem"]
            )
            let begun = try await cluster.server.createSnapshot(of: id, options: options)
            #expect(begun.status.state == .creating && begun.sandboxID == id && begun.name == "mine")
            let ready = try await cluster.server.settledSnapshot(begun.id, within: .seconds(60))
            #expect(ready.status.state == .ready && ready.owner == "3f0c" && ready.id == begun.id)
            let object = try await cluster.checkpoints.get(ready.id)
            #expect(object.spec.podName == String(id.dropFirst(cluster.namespace.count + 2)))
            #expect(object.spec.keepRunning == false && object.spec.ttlAfterFinished == "30h0m0s")
            #expect(object.spec.persistentContents == [.filesystem, .memory])
            #expect(object.metadata.labels["agents.kruise.io/owner"] == "3f0c")
            #expect(object.metadata.annotations["agents.kruise.io/sandbox-id"] == id)
            #expect(object.metadata.ownerReferences.isEmpty)

            // By its name, also at a server that has not heard of it yet.
            let clone = try await cluster.create(
                ready.id,
                metadata: ["e2b.agents.kruise.io/sandbox-name": "second"],
                by: cluster.other
            )
            #expect(clone.id == "\(cluster.namespace)--second" && clone.spec.snapshotID == ready.id)
            let made = try await cluster.object(clone.id)
            #expect(made.metadata.annotations["agents.kruise.io/restore-from"] == ready.id)
            #expect(made.metadata.annotations["agents.kruise.io/init-runtime-request"] == #"{"envVars":{"A":"b"}}"#)
            #expect(clone.spec.image.contains("@sha256:"))
            let taken = await #expect(throws: SandboxError.self) {
                try await cluster.create(ready.id, metadata: ["e2b.agents.kruise.io/sandbox-name": "second"])
            }
            #expect(taken?.code == .nameTaken)
            // A fork says that it is of the same template, and is made from the snapshot.
            let fork = try await cluster.create("plain") { $0.snapshotID = ready.id }
            #expect(fork.spec.template == "plain" && fork.spec.image == clone.spec.image)

            #expect(try await cluster.server.snapshots().map(\.id) == [ready.id])
            try await cluster.server.deleteSnapshot(ready.id)
            for await change in cluster.server.checkpointInformer.changes {
                if case .deleted = change { break }
                if cluster.server.checkpointInformer.store.count == 0 { break }
            }
            let gone = await #expect(throws: SandboxError.self) { try await cluster.server.deleteSnapshot(ready.id) }
            #expect(gone?.code == .snapshotNotFound)
            #expect(try await cluster.server.sandbox(clone.id).status.state == .running)
        }
    }

    /// What does not come about is told, and leaves nothing behind.
    @Test func failures() async throws {
        try await KruiseCluster.run { cluster in
            try await cluster.createTemplate("plain")
            let id = try await cluster.create("plain", metadata: [PlayedController.fault: "pause"]).id
            let begun = try await cluster.server.createSnapshot(of: id, name: nil)
            let failed = try await cluster.server.settledSnapshot(begun.id, within: .seconds(60))
            #expect(failed.status.state == .failed && failed.status.message == "no registry")
            #expect(try await cluster.checkpoints.list().items.isEmpty)

            let other = try await cluster.create("plain").id
            _ = try await cluster.sandboxes.patch(
                String(other.dropFirst(cluster.namespace.count + 2)),
                .merge(MergePatch(["metadata": ["annotations": [PlayedController.fault: "never"]]]))
            )
            let slow = try await cluster.server.createSnapshot(of: other, name: nil)
            #expect(
                try await cluster.server.settledSnapshot(slow.id, within: .milliseconds(200)).status.state == .creating
            )
            #expect(try await cluster.server.snapshot(slow.id).status.state == .creating)

            try await cluster.server.pause(other, keptFor: nil)
            let paused = await #expect(throws: SandboxError.self) {
                try await cluster.server.createSnapshot(of: other, name: nil)
            }
            #expect(paused?.code == .snapshotSourceNotRunning)
        }
    }

    /// A snapshot that is a server's own means: it can be used by whoever knows it, and no list has it.
    @Test func internalOnes() async throws {
        try await KruiseCluster.run { cluster in
            try await cluster.createTemplate("plain")
            let id = try await cluster.create("plain").id
            let options = SnapshotOptions(owner: "me", isInternal: true)
            let begun = try await cluster.server.createSnapshot(of: id, options: options)
            let ready = try await cluster.server.settledSnapshot(begun.id, within: .seconds(60))
            #expect(ready.isInternal && ready.status.state == .ready)
            let shown = try await cluster.server.createSnapshot(of: id, options: SnapshotOptions(owner: "me"))
            _ = try await cluster.server.settledSnapshot(shown.id, within: .seconds(60))
            #expect(try await cluster.server.snapshots().map(\.id) == [shown.id])
            // The other server knows what it has been told of, which is the newer one.
            _ = try await cluster.other.settledSnapshot(shown.id, within: .seconds(60))
            #expect(try await cluster.other.snapshots().map(\.id) == [shown.id])
            #expect(try await cluster.other.snapshot(begun.id).id == begun.id)
            let fork = try await cluster.create("plain", by: cluster.other) { $0.snapshotID = begun.id }
            #expect(fork.spec.image.contains("@sha256:"))
        }
    }

    /// Whoever deletes a checkpoint with its images looks for clones after it was marked: one that came later is taken back.
    @Test func clonedWhileItIsDeleted() async throws {
        try await KruiseCluster.run { cluster in
            try await cluster.createTemplate("plain")
            let id = try await cluster.create("plain").id
            let begun = try await cluster.server.createSnapshot(of: id, name: nil)
            let ready = try await cluster.server.settledSnapshot(begun.id, within: .seconds(60))
            // What a server has looked up a moment before.
            let origin = try await cluster.server.origin(ready.id)
            let keep: JSONValue = ["metadata": ["finalizers": ["example.com/keep"]]]
            _ = try await cluster.checkpoints.patch(ready.id, .merge(MergePatch(keep)))
            let draft = SandboxDraft(
                spec: SandboxSpec(image: "", owner: "me", template: ready.id),
                parameters: try CreationParameters([:]),
                timeout: .never,
                now: Date(),
                key: nil,
                lock: "lock"
            )
            let clone = try await cluster.server.take(draft, origin)
            _ = try await cluster.checkpoints.delete(ready.id)
            let error = await #expect(throws: SandboxError.self) { try await cluster.server.take(draft, origin) }
            #expect(error?.code == .snapshotNotReady)
            // The one that came before the mark stays.
            let names = try await cluster.sandboxes.list().items
                .filter { $0.metadata.annotations[Kruise.Annotation.restoreFrom] == ready.id }.map(\.metadata.name)
            #expect(names == [clone.metadata.name])
            _ = try await cluster.checkpoints.patch(
                ready.id,
                .merge(MergePatch(["metadata": ["finalizers": .null]]))
            )
            let gone = await #expect(throws: SandboxError.self) { try await cluster.server.take(draft, origin) }
            #expect(gone?.code == .snapshotNotReady)
        }
    }
}
