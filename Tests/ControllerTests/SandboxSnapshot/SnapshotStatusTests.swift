// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import KubeModels
import KubeRuntime
import SandboxModels
import SnapshotProvider
import Testing

import struct Foundation.Date

@testable import Controller

@Suite("What the status of a SandboxSnapshot tells")
struct SnapshotStatusTests {
    private static let request = SnapshotRequest(
        uid: "1",
        source: SnapshotSource(
            sandbox: "box",
            namespace: "team",
            pod: "box-0",
            podUID: "77",
            node: "node-1",
            containers: [
                SnapshotContainer(name: "main", id: "c1", image: "busybox", target: "registry.example/box-main:snap-1")
            ]
        ),
        afterwards: .keepRunning
    )
    private static let artifact = Artifact(
        provider: "instant",
        parts: [
            .init(
                container: "main",
                reference: "registry.example/box-main:snap-1",
                digest: "sha256:1",
                size: 10,
                layers: 3,
                baseDigest: "sha256:0"
            )
        ],
        platform: "linux/amd64",
        statistics: .init(frozenMilliseconds: 7, bytesRead: 20, bytesWritten: 10)
    )
    private static let problem = Problem("PushRefused", "The registry refused it.")
    private let now = Timestamp(Date(timeIntervalSince1970: 1_700_000_000))
    private let later = Timestamp(Date(timeIntervalSince1970: 1_700_000_060))

    private func snapshot(_ status: SandboxSnapshotStatus? = nil) -> SandboxSnapshot {
        SandboxSnapshot.with {
            $0.metadata.name = "keep"
            $0.metadata.generation = 3
            $0.spec.sandboxName = "box"
            $0.status = status
        }
    }

    private func told(
        _ stage: SnapshotStage,
        _ request: SnapshotRequest?,
        after before: SandboxSnapshotStatus? = nil,
        at time: Timestamp? = nil
    ) -> SandboxSnapshotStatus {
        snapshot(before).status(at: stage, of: request, by: "instant", now: time ?? now)
    }

    @Test("one that waits is Pending, and says for what")
    func pending() {
        let waiting = told(.waiting(.words("waiting", "waiting: the sandbox is being paused")), nil)
        #expect(waiting.phase == .pending)
        #expect(waiting.progress?.summary == "waiting: the sandbox is being paused")
        #expect(waiting.observedGeneration == 3)
        #expect(waiting.conditions.isEmpty)
        #expect(waiting.startTime == nil)
        // It has its turn, but nothing was begun.
        #expect(told(.capturing(nil), nil).phase == .pending)
    }

    @Test("one that is captured is Committing, and says what of and where to")
    func committing() {
        let first = told(.capturing(.words("copying")), Self.request)
        #expect(first.phase == .committing)
        #expect(first.sourcePodName == "box-0")
        #expect(first.sourcePodUID == "77")
        #expect(first.sourceNodeName == "node-1")
        #expect(first.containers.map(\.containerName) == ["main"])
        #expect(first.containers.map(\.imageUri) == ["registry.example/box-main:snap-1"])
        #expect(first.containers.map(\.imageDigest) == [nil])
        #expect(first.startTime == now)
        #expect(first.provider == "instant")
        // Nothing new: what was told last stays.
        #expect(told(.capturing(nil), Self.request, after: first, at: later) == first)
    }

    @Test("one that is ready has digests, sizes and times, and the condition Ready")
    func succeeded() {
        let before = told(.capturing(.words("copying")), Self.request)
        let status = told(.captured(Self.artifact), Self.request, after: before, at: later)
        #expect(status.phase == .succeed)
        #expect(status.containers.map(\.imageDigest) == ["sha256:1"])
        #expect(status.containers.map(\.baseDigest) == ["sha256:0"])
        #expect(status.containers.map(\.size) == [10])
        #expect(status.frozenMilliseconds == 7)
        #expect(status.startTime == now)
        #expect(status.completionTime == later)
        #expect(status.progress == nil)
        #expect(status.conditions.map(\.type) == ["Ready"])
        #expect(status.conditions["Ready"]?.reason == "SnapshotReady")
        #expect(status.conditions["Ready"]?.observedGeneration == 3)
    }

    @Test("one that failed says why, whether it was begun or not")
    func failed() {
        for request in [nil, Self.request] {
            let status = told(.failed(Self.problem), request)
            #expect(status.phase == .failed)
            #expect(status.conditions.map(\.type) == ["Failed"])
            #expect(status.conditions["Failed"]?.reason == "PushRefused")
            #expect(status.conditions["Failed"]?.message == Self.problem.message)
            #expect(status.completionTime == now)
            #expect(status.containers.count == (request == nil ? 0 : 1))
        }
    }

    @Test(
        "what is final stays, but for the generation",
        arguments: [SnapshotStage.captured(artifact), .failed(problem)]
    )
    func final(_ end: SnapshotStage) {
        var before = told(end, Self.request)
        before.observedGeneration = 2
        for stage in [SnapshotStage.waiting(nil), .capturing(nil), .captured(Self.artifact), .failed(.init("X", "x"))] {
            var after = told(stage, Self.request, after: before, at: later)
            #expect(after.observedGeneration == 3)
            after.observedGeneration = 2
            #expect(after == before)
        }
    }

    @Test("events are called as upstream calls them")
    func events() {
        let committing = told(.capturing(nil), Self.request)
        let ready = told(.captured(Self.artifact), Self.request, after: committing)
        let failed = told(.failed(Self.problem), Self.request, after: committing)
        #expect(SnapshotStatusWriter.note(from: .pending, to: committing)?.reason == "CreatedJob")
        let success = SnapshotStatusWriter.note(from: .committing, to: ready)
        #expect(success?.reason == "JobSucceeded")
        #expect(success?.message.contains("registry.example/box-main:snap-1@sha256:1") == true)
        let failure = SnapshotStatusWriter.note(from: .committing, to: failed)
        #expect(failure?.reason == "JobFailed")
        #expect(failure?.severity == .warning)
        #expect(failure?.message == "PushRefused: The registry refused it.")
        // There was no Job.
        #expect(SnapshotStatusWriter.note(from: .pending, to: failed)?.reason == "SnapshotFailed")
        #expect(SnapshotStatusWriter.note(from: .committing, to: committing) == nil)
    }
}
