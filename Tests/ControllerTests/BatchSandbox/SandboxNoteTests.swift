// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import KubeRuntime
import PrometheusMetrics
import SandboxModels
import Testing

import struct Foundation.Date

@testable import Controller

@Suite("What an Event tells of a sandbox")
struct SandboxNoteTests {
    private static let capture = CaptureAttempt(uid: "c", number: 2, deadline: Date(timeIntervalSince1970: 600))

    /// A record of one replica.
    private static func record(_ phase: Phase, _ stage: AggregateRecord.Stage = .running) -> AggregateRecord {
        var record = Aggregate.decide(
            intent: AggregateIntent(Intent(wish: .running, generation: 1), replicas: 1),
            recorded: AggregateRecord(identity: "box"),
            observations: [:],
            now: Date(timeIntervalSince1970: 0)
        ).record
        record.members[0].recorded.phase = phase
        record.stage = stage
        return record
    }

    private static var artifact: Artifact {
        let part = Artifact.Part(container: "main", reference: "r/box:1", digest: "sha256:1", size: 1)
        var artifact = Artifact(provider: "p", parts: [part], platform: "linux/amd64")
        artifact.statistics = Artifact.Statistics(frozenMilliseconds: 250, bytesRead: 0, bytesWritten: 0)
        return artifact
    }

    @Test("A pause that fails is told in whatever phases it passes, and counted")
    func failures() {
        let problem = Problem("FreezeEnded", "it was thawed")
        // A freeze that had ended before the seal takes no look of its own to be undone.
        let phases: [Phase] = [
            .pausing(Self.capture), .sealing(Self.capture, artifact: Self.artifact),
            .thawing(Self.capture, because: problem, artifact: nil),
        ]
        for (number, phase) in phases.enumerated() {
            let registry = PrometheusRegistry()
            for end in [Phase.running, .failed(Problem("ComputeLost", "gone"))] {
                var after = Self.record(end)
                after.pauseFailure = problem
                let before = Self.record(phase, .pausing)
                let note = SandboxNote(from: before, to: after)
                #expect(note?.reason == "PauseFailed", "\(number)")
                #expect(note?.message == "FreezeEnded: it was thawed")
                #expect(note?.severity == .warning)
                SandboxMetrics(factory: registry).recorded(after, insteadOf: before)
            }
            #expect(registry.text().contains("stasis_sandbox_pause_failures_total{reason=\"FreezeEnded\"} 2\n"))
        }
    }

    @Test("A pause and a resume name the image and how long it was frozen")
    func images() {
        var paused = Self.record(.paused, .paused)
        paused.members[0].recorded.artifact = Self.artifact
        let sealing = Self.record(.sealing(Self.capture, artifact: Self.artifact), .pausing)
        let verified = SandboxNote(from: Self.record(.pausing(Self.capture), .pausing), to: sealing)
        #expect(verified?.reason == "Verified")
        #expect(verified?.message.contains("r/box:1@sha256:1, which was verified") == true)
        let releasing = Self.record(.releasing(Self.capture, artifact: Self.artifact), .pausing)
        let note = SandboxNote(from: releasing, to: paused)
        #expect(note?.reason == "Paused")
        let saved = "The sandbox is saved as r/box:1@sha256:1, and what it ran on is released."
        #expect(note?.message == "\(saved) It was frozen for 250 ms until then.")
        var resuming = Self.record(.resuming(afterFailure: nil))
        resuming.members[0].recorded.artifact = Self.artifact
        #expect(SandboxNote(from: paused, to: resuming)?.message.contains("r/box:1@sha256:1") == true)
        #expect(SandboxNote(from: paused, to: paused) == nil)
    }

    @Test("A sandbox that is lost has failed, and one that cannot be resumed says why")
    func loss() {
        let failed = Self.record(.failed(Problem("ComputeLost", "gone")))
        #expect(SandboxNote(from: Self.record(.running), to: failed)?.reason == "Failed")
        var paused = Self.record(.paused)
        paused.members[0].recorded.setback = Recorded.Setback(.resume, Problem("NotVerified", "no image"))
        let note = SandboxNote(from: Self.record(.resuming(afterFailure: nil)), to: paused)
        #expect(note?.reason == "ResumeFailed")
        #expect(note?.message == "NotVerified: no image")
    }
}
