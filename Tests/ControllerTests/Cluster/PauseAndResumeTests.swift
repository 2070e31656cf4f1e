// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Controller
import KubeClient
import KubeModels
import KubeRuntime
import Logging
import SandboxModels
import SnapshotProvider
import TestSupport
import Testing

/// The controller on a real cluster, with a provider that captures nothing.
@Suite("A BatchSandbox on a cluster")
struct PauseAndResumeTests {
    @Test("runs, is paused and resumed by spec.pause alone, and keeps its name")
    func pauseAndResume() async throws {
        try await SandboxCluster.run { cluster in
            let created = try await cluster.create("box")
            let running = try await cluster.wait(for: "box") { $0.status?.phase == .succeed && $0.endpoints.count == 1 }
            #expect(running.status?.conditions.map(\.type) == ["Ready"])
            let first = try #require(try await cluster.pods.find("box-0"))

            try await cluster.setPause(true, of: "box")
            let paused = try await cluster.wait(for: "box") { $0.status?.phase == .paused }
            #expect(paused.endpoints.isEmpty)
            #expect(paused.status?.conditions.map(\.type) == ["Paused"])
            #expect(paused.status?.ready == 0)
            #expect(paused.status?.artifact?.imageDigest.hasPrefix("sha256:") == true)
            #expect(try await cluster.pods.find("box-0") == nil)
            // Whoever reads that it is Paused finds this.
            let snapshot = try await cluster.snapshots.get("box-pause")
            #expect(snapshot.status?.phase == .succeed)
            #expect(snapshot.status?.conditions.map(\.reason) == ["SnapshotReady"])
            #expect(snapshot.status?.containers.first?.imageDigest == paused.status?.artifact?.imageDigest)
            #expect(snapshot.status?.sourcePodName == "box-0")
            // What was held is tidied up after that.
            try await cluster.waitUntilNothingIsLeft(of: "box")
            #expect(cluster.provider.calls == ["capture", "seal", "release", "forget"])

            try await cluster.setPause(false, of: "box")
            let resumed = try await cluster.wait(for: "box") { $0.status?.phase == .succeed }
            #expect(resumed.metadata.uid == created.metadata.uid)
            let second = try #require(try await cluster.pods.find("box-0"))
            #expect(second.metadata.uid != first.metadata.uid)
            // By digest, as it was captured.
            #expect(second.spec.containers.first?.image?.contains("/stasis/busybox@sha256:") == true)
            try await cluster.waitUntilGone("box-pause")
        }
    }

    @Test("a pause that fails is told of, and tried again when it is asked for again")
    func failedPause() async throws {
        try await SandboxCluster.run { cluster in
            try await cluster.create("box")
            try await cluster.wait(for: "box") { $0.status?.phase == .succeed }
            let failure = SnapshotFailure("TargetUnavailable", "registry.example refused the login")
            cluster.provider.change { $0.captureFailure = failure }
            try await cluster.setPause(true, of: "box")
            let failed = try await cluster.wait(for: "box") { $0.status?.conditions.isTrue("PauseFailed") == true }
            #expect(failed.status?.phase == .succeed)
            #expect(failed.status?.conditions["PauseFailed"]?.reason == "TargetUnavailable")
            #expect(try await cluster.pods.find("box-0") != nil)
            let snapshot = try await cluster.snapshots.get("box-pause")
            #expect(snapshot.status?.phase == .failed)
            #expect(snapshot.status?.conditions["Failed"]?.reason == "TargetUnavailable")
            #expect(snapshot.status?.conditions["Failed"]?.message == failure.message)

            // Another edit is no new wish.
            try await cluster.edit("box", ["spec": ["expireTime": "2099-01-01T00:00:00Z"]])
            let edited = try await cluster.wait(for: "box") {
                $0.status?.observedGeneration == $0.metadata.generation && ($0.metadata.generation ?? 0) > 2
            }
            #expect(edited.status?.conditions.isTrue("PauseFailed") == true)

            cluster.provider.change { $0.captureFailure = nil }
            try await cluster.edit("box", ["spec": ["pause": .null]])
            try await cluster.setPause(true, of: "box")
            let paused = try await cluster.wait(for: "box") { $0.status?.phase == .paused }
            #expect(paused.status?.conditions.map(\.type) == ["Paused"])
            let replaced = try await cluster.snapshots.get("box-pause")
            #expect(replaced.metadata.uid != snapshot.metadata.uid)
            #expect(replaced.status?.phase == .succeed)
        }
    }

    @Test("a pause without a registry fails, and its snapshot says what to configure")
    func noRegistry() async throws {
        try await SandboxCluster.run(registry: "") { cluster in
            try await cluster.create("box")
            try await cluster.wait(for: "box") { $0.status?.phase == .succeed }
            try await cluster.setPause(true, of: "box")
            try await cluster.wait(for: "box") { $0.status?.conditions.isTrue("PauseFailed") == true }
            let snapshot = try await cluster.snapshots.get("box-pause")
            #expect(snapshot.status?.phase == .failed)
            #expect(snapshot.status?.conditions["Failed"]?.reason == "RegistryNotConfigured")
            #expect(cluster.provider.calls.isEmpty)
        }
    }

    @Test("of several replicas it is not paused, and says so")
    func severalReplicas() async throws {
        try await SandboxCluster.run { cluster in
            try await cluster.create("box", replicas: 2)
            try await cluster.wait(for: "box") { $0.status?.phase == .succeed && $0.status?.ready == 2 }
            try await cluster.setPause(true, of: "box")
            let failed = try await cluster.wait(for: "box") { $0.status?.conditions.isTrue("PauseFailed") == true }
            #expect(failed.status?.phase == .succeed)
            #expect(failed.status?.conditions["PauseFailed"]?.reason == "UnsupportedReplicas")
            #expect(cluster.provider.calls == [])
            #expect(try await cluster.snapshots.list().items.isEmpty)
        }
    }

    @Test("several replicas are paused together, or none of them if one cannot be")
    func pauseOfSeveral() async throws {
        try await SandboxCluster.run(configuring: { $0.policy.maximumPauseReplicas = 3 }) { cluster in
            try await cluster.create("box", replicas: 3)
            try await cluster.wait(for: "box") { $0.status?.phase == .succeed && $0.status?.ready == 3 }
            // Somebody has a snapshot of that name: nothing is begun, and it stays.
            try await cluster.capture("nobody", as: "box-pause-2")
            try await cluster.setPause(true, of: "box")
            let taken = try await cluster.waitForPause(of: "box").status?.conditions["PauseFailed"]
            #expect(taken?.reason == "SnapshotNameTaken")
            #expect(taken?.message?.hasPrefix("Replica 2: ") == true)
            #expect(!cluster.provider.calls.contains("capture"))
            _ = try await cluster.snapshots.delete("box-pause-2")
            try await cluster.waitUntilGone("box-pause-2")

            // What can be known before is known before the first one is frozen.
            let refusal = SnapshotFailure("RuntimeNotSupported", "its files cannot be seen")
            cluster.provider.change { $0.preflightFailures["box-1"] = refusal }
            try await cluster.edit("box", ["spec": ["pause": .null]])
            try await cluster.wait(for: "box") { $0.status?.observedGeneration == $0.metadata.generation }
            try await cluster.setPause(true, of: "box")
            let refused = try await cluster.wait(for: "box") {
                $0.status?.conditions["PauseFailed"]?.reason == "RuntimeNotSupported"
            }
            #expect(refused.status?.phase == .succeed && refused.status?.ready == 3)
            #expect(refused.status?.conditions["PauseFailed"]?.message == "Replica 1: its files cannot be seen")
            #expect(!cluster.provider.calls.contains("capture"))

            cluster.provider.change {
                $0.preflightFailures = [:]
                $0.isHeld = true
            }
            try await cluster.pauseAgain("box")
            let pausing = try await cluster.wait(for: "box") { $0.status?.progress?.bytesTotal == 3 << 30 }
            #expect(pausing.status?.progress?.summary == "0 of 3 replicas, copying 50% of 3 GiB")
            cluster.provider.change { $0.isHeld = false }
            try await cluster.wait(for: "box") { $0.status?.phase == .paused }
            #expect(try await cluster.pods.list().items.isEmpty)
            var digests: Set<String> = []
            for (index, name) in ["box-pause", "box-pause-1", "box-pause-2"].enumerated() {
                let status = try #require(try await cluster.snapshots.get(name).status)
                #expect(status.phase == .succeed && status.sourcePodName == "box-\(index)")
                let image = try #require(status.containers.first)
                #expect(image.imageUri.contains("/box-main:snap-gen"))
                #expect(image.imageUri.hasSuffix("-\(index)") == (index > 0))
                digests.insert(image.imageDigest ?? "")
            }
            #expect(digests.count == 3)
            #expect(cluster.provider.mistakes.isEmpty)

            // A replica that is not wanted any more leaves no snapshot behind.
            try await cluster.edit("box", ["spec": ["pause": false, "replicas": 2]])
            try await cluster.wait(for: "box") { $0.status?.phase == .succeed && $0.status?.ready == 2 }
            for name in ["box-pause", "box-pause-1", "box-pause-2"] { try await cluster.waitUntilGone(name) }
        }
    }

    @Test("an artifact that is gone leaves it paused, and a later resume succeeds")
    func missingArtifact() async throws {
        try await SandboxCluster.run { cluster in
            try await cluster.create("box")
            try await cluster.wait(for: "box") { $0.status?.phase == .succeed }
            try await cluster.setPause(true, of: "box")
            try await cluster.wait(for: "box") { $0.status?.phase == .paused }
            let gone = SnapshotFailure("ArtifactMissing", "the image is gone from the registry")
            cluster.provider.change { $0.verifyFailure = gone }
            try await cluster.setPause(false, of: "box")
            let refused = try await cluster.wait(for: "box") { $0.status?.conditions.isTrue("ResumeFailed") == true }
            #expect(refused.status?.conditions["ResumeFailed"]?.reason == "ArtifactMissing")

            cluster.provider.change { $0.verifyFailure = nil }
            try await cluster.edit("box", ["spec": ["pause": .null]])
            try await cluster.setPause(false, of: "box")
            try await cluster.wait(for: "box") { $0.status?.phase == .succeed }
        }
    }
}

extension BatchSandbox {
    /// Where its pods can be reached, as it is told.
    var endpoints: [String] {
        let text = metadata.annotations[OpenSandbox.Annotation.endpoints] ?? "[]"
        guard case .array(let addresses)? = try? JSONValue(json: text) else { return [] }
        return addresses.compactMap(\.string)
    }
}
