// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Controller
import Foundation
import KubeClient
import KubeModels
import SandboxModels
import TestSupport
import Testing

@Suite("A Checkpoint with which its sandbox ends")
struct CheckpointEndingTests {
    private static let capture = CaptureAttempt(
        uid: "web-0-2",
        number: 2,
        deadline: Date(timeIntervalSince1970: 1_794_000_600)
    )

    /// Waits until a checkpoint has given its order: both halves of it at once.
    private func waitForOrder(_ name: String, in cluster: CheckpointCluster) async throws -> KruiseSandbox {
        let uid = try await cluster.checkpoints.get(name).metadata.uid
        let marked = try await cluster.wait(forSandbox: "web") { $0.endsWithCheckpoint || $0.spec.paused == true }
        #expect(marked.metadata.annotations[Kruise.Annotation.endedBy] == uid && marked.spec.paused == true)
        return marked
    }

    private func ending(_ checkpoint: inout KruiseCheckpoint) { checkpoint.spec.keepRunning = false }

    @Test("has it paused, and is what is left of it") func ended() async throws {
        try await CheckpointCluster.run(policy: .delete) { cluster in
            // All namespaces are asked whether they refer to it, by its digest or its tag.
            var artifact = CheckpointCluster.artifact
            for index in artifact.parts.indices {
                let digits = (0..<4).map { _ in String(UInt64.random(in: 0 ... .max) | 1 << 63, radix: 16) }
                artifact.parts[index].digest = "sha256:\(digits.joined())"
                artifact.parts[index].reference += "-\(digits[0])"
            }
            let digest = artifact.parts[0].digest
            try await cluster.createSandbox("web")
            try await cluster.createCheckpoint("cp", of: "web", ending)
            try await cluster.wait(for: "cp") { $0.status?.message == "waiting: the sandbox is starting" }
            try await cluster.play(sandbox: "web", .running)
            _ = try await waitForOrder("cp", in: cluster)
            try await cluster.play(sandbox: "web", .pausing(Self.capture), .pausing)
            try await cluster.wait(for: "cp") { $0.status?.phase == .creating }
            #expect(try await cluster.cluster.snapshots.find("cp") == nil)
            try await cluster.play(sandbox: "web", .paused, .paused, artifact: artifact)
            let checkpoint = try await cluster.wait(for: "cp") { $0.status?.phase == .succeeded }
            #expect(checkpoint.status?.artifact?.imageDigest == digest)
            let template = try await cluster.templates.get("cp")
            #expect(
                try template.spec.podTemplate()?.spec.containers.first?.image
                    == "\(artifact.parts[0].reference)@\(digest)"
            )
            // It needs the sandbox no more.
            _ = try await cluster.sandboxes.delete("web")
            #expect(cluster.provider.deleted == [])
            _ = try await cluster.checkpoints.delete("cp")
            try await cluster.cluster.waitUntilGone(in: cluster.checkpoints, "cp")
            #expect(cluster.provider.deleted.map(\.parts) == [artifact.parts])
        }
    }

    @Test("lets it run on when that does not come about") func failure() async throws {
        try await CheckpointCluster.run { cluster in
            try await cluster.createSandbox("web")
            // What has failed before is not its failure.
            try await cluster.play(sandbox: "web", .running, failure: Problem("Old", "No."))
            try await cluster.createCheckpoint("cp", of: "web", ending)
            _ = try await waitForOrder("cp", in: cluster)
            try await cluster.play(sandbox: "web", .pausing(Self.capture), .pausing)
            try await cluster.play(sandbox: "web", .running, failure: Problem("RegistryUnreachable", "No answer."))
            let problem = try await cluster.waitForFailure(of: "cp")
            #expect(problem == Problem("RegistryUnreachable", "No answer."))
            try await cluster.wait(forSandbox: "web") { !$0.endsWithCheckpoint && $0.spec.paused == false }
            #expect(try await cluster.templates.find("cp") == nil)
        }
    }

    @Test("is cancelled by whoever has it run on") func cancelled() async throws {
        try await CheckpointCluster.run { cluster in
            try await cluster.createSandbox("web")
            try await cluster.play(sandbox: "web", .running)
            try await cluster.createCheckpoint("cp", of: "web", ending)
            _ = try await waitForOrder("cp", in: cluster)
            _ = try await cluster.sandboxes.patch("web", .merge(MergePatch(["spec": ["paused": false]])))
            #expect(try await cluster.waitForFailure(of: "cp").reason == "EndCancelled")
            try await cluster.wait(forSandbox: "web") { !$0.endsWithCheckpoint && $0.spec.paused == false }
        }
    }

    @Test("lets it run on when it is deleted in the middle") func deleted() async throws {
        try await CheckpointCluster.run { cluster in
            try await cluster.createSandbox("web")
            try await cluster.play(sandbox: "web", .running)
            try await cluster.createCheckpoint("cp", of: "web", ending)
            _ = try await waitForOrder("cp", in: cluster)
            try await cluster.play(sandbox: "web", .pausing(Self.capture), .pausing)
            _ = try await cluster.checkpoints.delete("cp")
            try await cluster.cluster.waitUntilGone(in: cluster.checkpoints, "cp")
            let sandbox = try await cluster.sandboxes.get("web")
            #expect(!sandbox.endsWithCheckpoint && sandbox.spec.paused == false)
        }
    }

    @Test("forgets it when its owner has it running again") func resumed() async throws {
        try await CheckpointCluster.run { cluster in
            try await cluster.createSandbox("web")
            try await cluster.play(sandbox: "web", .running)
            try await cluster.createCheckpoint("cp", of: "web", ending)
            _ = try await waitForOrder("cp", in: cluster)
            try await cluster.play(sandbox: "web", .paused, .paused, artifact: CheckpointCluster.artifact)
            try await cluster.wait(for: "cp") { $0.status?.phase == .succeeded }
            #expect(try await cluster.sandboxes.get("web").endsWithCheckpoint)
            _ = try await cluster.sandboxes.patch("web", .merge(MergePatch(["spec": ["paused": false]])))
            try await cluster.wait(forSandbox: "web") { !$0.endsWithCheckpoint }
            #expect(try await cluster.checkpoints.get("cp").status?.phase == .succeeded)
        }
    }

    @Test("comes to the same wherever its controller ends", arguments: [false, true]) func crash(isAfter: Bool)
        async throws
    {
        try await CheckpointCluster.run(isControlled: false) { cluster in
            let steps = Steps()
            try await cluster.cluster.withSteps(steps) { stepped in
                var step = 1
                var reached = true
                while reached {
                    let name = "cp-\(step)"
                    try await cluster.createSandbox("web")
                    try await cluster.play(sandbox: "web", .running)
                    try await cluster.createCheckpoint(name, of: "web", ending)
                    reached = try await cluster.control(stepped, until: (step, isAfter), of: steps) {
                        try await cluster.playEnd(of: name)
                    }
                    try await cluster.control { try await cluster.playEnd(of: name) }
                    let template = try await cluster.templates.get(name)
                    #expect(try template.spec.podTemplate()?.spec.containers.first?.image?.contains("@sha256:") == true)
                    _ = try await cluster.sandboxes.delete("web")
                    step += 1
                }
                // What it is to capture, that it begins, the order, what it has, the template, the label, that it is done.
                #expect(step > 7)
            }
        }
    }
}

extension CheckpointCluster {
    /// Plays what the sandbox does until a checkpoint with which it ends has succeeded.
    fileprivate func playEnd(of name: String) async throws {
        let marked = try await wait(forSandbox: "web") { $0.endsWithCheckpoint }
        if try PauseIntent(recordedIn: marked.metadata)?.wantsPaused != true {
            try await play(sandbox: "web", .paused, .paused, artifact: Self.artifact)
        }
        try await wait(for: name) { $0.status?.phase == .succeeded }
    }

    /// Runs `body` while a controller works, until a write of the controller's.
    ///
    /// - Returns: Whether it came to that.
    func control(
        _ stepped: KubeClient,
        until plan: (step: Int, isAfter: Bool),
        of steps: Steps,
        _ body: @escaping @Sendable () async throws -> Void
    ) async throws -> Bool {
        try await steps.interrupt(at: plan) { try await control(stepped, body) }
    }
}
