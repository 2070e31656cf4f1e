// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Foundation
import KubeClient
import KubeModels
import SandboxModels
import TestSupport
import Testing

/// Schemas of other versions of upstream: what theirs has more survives us, what it has less costs us nothing.
struct SchemaVersionTests {
    @Test func whatANewerSchemaHasSurvivesOurWrites() async throws {
        var newer = try DeployedDefinition("batchsandboxes")
        try newer.changeSchema { schema in
            schema["properties"]?["spec"]?["properties"]?["operatingMode"] = ["type": "string"]
            schema["properties"]?["status"]?["properties"]?["snapshot"] = [
                "type": "object", "properties": ["claims": ["type": "array", "items": ["type": "string"]]],
            ]
        }
        try await Cluster.run(with: [newer]) { client, namespace, types in
            let resource = client.resource(types[0], in: .named(namespace))
            var object = DynamicObject(types[0], name: "one")
            object["spec"] = ["replicas": 1, "operatingMode": "Freeze"]
            _ = try await resource.create(object)
            var counts = try JSONValue(encoding: BatchSandboxStatus())
            counts["snapshot"] = ["claims": []]
            _ = try await resource.patch("one", .merge(MergePatch(["status": counts])), subresource: .status)

            var sandbox = try await resource.get("one").converted(to: BatchSandbox.self)
            sandbox.spec.pause = true
            sandbox.metadata.annotations["seen"] = "yes"
            let written = try await resource.replace(DynamicObject(sandbox, as: types[0]))
            #expect(written["spec"]?["operatingMode"] == "Freeze" && written["spec"]?["pause"] == true)
            sandbox = try written.converted()
            sandbox.status?.tell(.pausing, [.init(.progressing, .yes, reason: "Pausing")], now: Timestamp(seconds: 0))
            let told = try await resource.replace(DynamicObject(sandbox, as: types[0]), subresource: .status)
            #expect(told["status"]?["snapshot"] == ["claims": []] && told["status"]?["phase"] == "Pausing")
            #expect(told["spec"]?["operatingMode"] == "Freeze")
        }
    }

    /// Upstream's schema prunes what it does not know. All that a controller needs after a crash is in annotations.
    @Test func whatUpstreamsSchemaPrunesIsNotNeeded() async throws {
        let definitions = try ["batchsandboxes", "sandboxsnapshots"].map { try DeployedDefinition($0).baseline() }
        try await Cluster.run(with: definitions) { client, namespace, types in
            let resource = client.resource(types[0], in: .named(namespace))
            var sandbox = BatchSandbox.with {
                $0.metadata.name = "one"
                $0.spec.pause = true
            }
            sandbox = try await resource.create(DynamicObject(sandbox, as: types[0])).converted()
            let artifact = Artifact(
                provider: "oci-rootfs",
                parts: [.init(container: "c", reference: "r/c:t", digest: "sha256:aa", size: 1, layers: 2)],
                platform: "linux/amd64",
                statistics: .init(frozenMilliseconds: 5, bytesRead: 1, bytesWritten: 1)
            )
            var record = AggregateRecord(identity: "one")
            record.stage = .paused
            record.acknowledged = 1
            let intent = sandbox.pauseIntent(after: nil)
            sandbox.metadata.annotations = [
                OpenSandbox.Annotation.intent: intent.jsonText,
                OpenSandbox.Annotation.record: String(decoding: try JSONEncoder().encode(record), as: UTF8.self),
            ]
            _ = try await resource.replace(DynamicObject(sandbox, as: types[0]))
            var status = BatchSandboxStatus.with {
                $0.artifact = ArtifactSummary(artifact)
                $0.progress = CaptureProgress()
                $0.pauseObservedGeneration = 1
            }
            let decided: [SandboxModels.Condition] = [
                .init(.paused, .yes, reason: "Paused"), .init(.cleaningUp, .yes, reason: "LeftoversRemain"),
            ]
            // Ours is refused as a whole there, so it has to be known.
            status.tell(.paused, decided, now: Timestamp(seconds: 0))
            let refused = MergePatch(["status": try JSONValue(encoding: status)])
            await #expect { try await resource.patch("one", .merge(refused), subresource: .status) } throws: {
                ($0 as? KubeError)?.statusCode == 422
            }
            status.tell(.paused, decided, isBaseline: true, now: Timestamp(seconds: 0))
            let patch = MergePatch(["status": try JSONValue(encoding: status)])
            _ = try await resource.patch("one", .merge(patch), subresource: .status)

            let found = try await resource.get("one").converted(to: BatchSandbox.self)
            #expect(found.status?.phase == .paused && found.status?.conditions.isTrue("Paused") == true)
            #expect(found.status?.artifact == nil && found.status?.progress == nil)
            #expect(try found.recordedIntent() == intent)
            #expect(found.pauseIntent(after: intent) == intent)
            let text = try #require(found.metadata.annotations[OpenSandbox.Annotation.record])
            #expect(try JSONDecoder().decode(AggregateRecord.self, from: Data(text.utf8)) == record)

            // A digest is what a resume needs, and upstream keeps it.
            let snapshots = client.resource(types[1], in: .named(namespace))
            var snapshot = DynamicObject(types[1], name: "one-pause")
            snapshot["spec"] = ["sandboxName": "one"]
            _ = try await snapshots.create(snapshot)
            var captured = SandboxSnapshotStatus.with { $0.phase = .succeed }
            captured.tell(artifact)
            let told = MergePatch(["status": try JSONValue(encoding: captured)])
            _ = try await snapshots.patch("one-pause", .merge(told), subresource: .status)
            let kept = try await snapshots.get("one-pause").converted(to: SandboxSnapshot.self)
            #expect(kept.status?.containers.first?.imageDigest == "sha256:aa")
            #expect(kept.status?.containers.first?.layers == nil && kept.status?.frozenMilliseconds == nil)
        }
    }
}
