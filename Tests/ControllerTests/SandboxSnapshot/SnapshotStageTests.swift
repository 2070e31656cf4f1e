// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Testing

import struct Foundation.Date

@testable import Controller
@testable import SandboxModels

@Suite("How far the snapshot of a pause is")
struct SnapshotStageTests {
    private static let capture = CaptureAttempt(uid: "box-1-2", number: 2, deadline: .distantFuture)
    private static let artifact = Artifact(provider: "instant", parts: [], platform: "linux/amd64")
    private static let problem = Problem("PushRefused", "The registry refused it.")

    /// A sandbox of one member, as it is written down.
    private func record(_ phase: Phase, _ change: (inout Recorded) -> Void = { _ in }) -> AggregateRecord {
        var recorded = Recorded(identity: "box-1", now: .distantPast)
        recorded.phase = phase
        change(&recorded)
        var record = AggregateRecord(identity: "box")
        record.members = [.init(index: 0, wish: .paused, generation: 2, recorded: recorded)]
        return record
    }

    @Test("while the sandbox is frozen, it is neither ready nor failed until nothing can change that")
    func transitions() {
        let uid = Self.capture.uid
        #expect(record(.pausing(Self.capture)).snapshotStage(ofCapture: uid) == .capturing(nil))
        let sealing = record(.sealing(Self.capture, artifact: Self.artifact))
        #expect(sealing.snapshotStage(ofCapture: uid) == .capturing(.words("sealing")))
        let thawing = record(.thawing(Self.capture, because: Self.problem, artifact: Self.artifact))
        #expect(thawing.snapshotStage(ofCapture: uid) == .capturing(.words("thawing")))
        let releasing = record(.releasing(Self.capture, artifact: Self.artifact))
        #expect(releasing.snapshotStage(ofCapture: uid) == .captured(Self.artifact))
        for record in [sealing, thawing, releasing] { #expect(record.needsCapture(uid)) }
    }

    @Test("after a crash it is known from what the capture has left")
    func leftovers() {
        let uid = Self.capture.uid
        let paused = record(.paused) {
            $0.artifact = Self.artifact
            $0.leftovers = [.capture(uid: uid)]
        }
        #expect(paused.snapshotStage(ofCapture: uid) == .captured(Self.artifact))
        let resuming = record(.resuming(afterFailure: nil)) {
            $0.artifact = Self.artifact
            $0.leftovers = [.capture(uid: uid)]
            $0.setback = .init(.resume, Self.problem)
        }
        #expect(resuming.snapshotStage(ofCapture: uid) == .captured(Self.artifact))
        // That of an earlier pause is still there.
        let failed = record(.running) {
            $0.artifact = Self.artifact
            $0.leftovers = [.capture(uid: uid)]
            $0.setback = .init(.pause, Self.problem)
        }
        #expect(failed.snapshotStage(ofCapture: uid) == .failed(Self.problem))
        #expect(failed.needsCapture(uid))
    }

    @Test("of another capture nothing is said")
    func others() {
        let records = [
            record(.pausing(Self.capture)), record(.paused) { $0.artifact = Self.artifact },
            record(.running) { $0.setback = .init(.pause, Self.problem) },
        ]
        for record in records {
            #expect(record.snapshotStage(ofCapture: "box-1-9") == nil)
            #expect(!record.needsCapture("box-1-9"))
        }
    }
}
