// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import SandboxModels
import Testing

import struct Foundation.Date

@Suite("Taking a snapshot")
struct SnapshotTransitionTests {
    static let deadline = Story.start.addingTimeInterval(600)

    var record = SnapshotRecord(uid: "snap", now: Story.start)
    var seen = SnapshotObservation()
    var isWanted = true

    mutating func decide(at now: Date = Story.start) -> SnapshotDecision {
        let decision = Lifecycle.decide(isWanted: isWanted, recorded: record, observation: seen, now: now)
        record = decision.record
        return decision
    }

    @Test("it waits for its turn, is captured, verified, ended, and then ready")
    mutating func order() {
        #expect(decide().actions.isEmpty)
        seen.turn = .waiting
        #expect(decide().record.phase == .waiting)
        seen.turn = .granted
        var decision = decide()
        #expect(decision.actions == [.capture(uid: "snap", until: Self.deadline)])
        #expect(decision.wakeAt == Self.deadline)
        seen.progress = .active
        #expect(decide().actions.isEmpty)
        seen.progress = .succeeded(artifact("a"))
        #expect(decide().actions == [.verifyArtifact(artifact("a"))])
        seen.verification = .verified
        decision = decide()
        #expect(decision.actions == [.endCapture(uid: "snap", keeping: artifact("a"))])
        #expect(!decision.record.isOver && decision.record.state == .creating)
        seen.isCaptureEnded = true
        #expect(decide().record.phase == .ready(artifact("a")))
        #expect(record.isOver && record.state == .ready)
    }

    @Test("what cannot be verified, fails, or is too late leaves nothing behind and says why")
    mutating func failures() {
        seen.turn = .granted
        _ = decide()
        let capturing = record
        let ends: [(SnapshotObservation, Date, Problem)] = [
            (SnapshotObservation(progress: .failed(.told)), Story.start, .told),
            (
                SnapshotObservation(progress: .succeeded(artifact("a")), verification: .missing(.told)), Story.start,
                .told
            ),
        ]
        for (observation, now, problem) in ends {
            (record, seen) = (capturing, observation)
            #expect(decide(at: now).actions == [.endCapture(uid: "snap", keeping: nil)])
            seen.isCaptureEnded = true
            #expect(decide(at: now).record.phase == .failed(problem))
        }
        (record, seen) = (capturing, SnapshotObservation(progress: .active))
        #expect(decide(at: Self.deadline).actions == [.endCapture(uid: "snap", keeping: nil)])
        guard case .ending(.failed(let problem)) = record.phase else { Issue.record("it goes on"); return }
        #expect(problem.reason == "SnapshotDeadlinePassed")
    }

    @Test("one that is deleted while it is captured is cancelled first")
    mutating func cancelled() {
        seen.turn = .granted
        _ = decide()
        isWanted = false
        #expect(decide().actions == [.endCapture(uid: "snap", keeping: nil)])
        seen.isCaptureEnded = true
        #expect(decide().record.phase == .deleted)
    }

    @Test("a ready one is deleted with its artifact")
    mutating func deleted() {
        record.phase = .ready(artifact("a"))
        isWanted = false
        #expect(decide().actions == [.deleteArtifact(artifact("a"))])
        #expect(record.state == .deleting)
        seen.isArtifactGone = true
        #expect(decide().record.phase == .deleted && record.unneeded == nil && record.state == nil)
    }

    @Test("a sandbox grants one turn at a time, after whatever it was asked for, and a pause waits until it is over")
    func turns() {
        var story = Story.running()
        story.seen.checkpoint = .wanted("one")
        story.state(.paused)
        #expect(story.decide().record.checkpoint == nil)

        story = Story.running()
        story.seen.checkpoint = .wanted("one")
        #expect(story.decide().record.turn(of: "one") == .granted)
        #expect(story.recorded.turn(of: "two") == .waiting)
        story.state(.paused)
        #expect(story.decide().record.phase == .running)
        story.seen.checkpoint = .wanted("two")
        let decision = story.decide()
        #expect(decision.record.checkpoint == nil && decision.record.phase.name == .pausing)
        guard case .refused = Story.paused().recorded.turn(of: "two") else {
            Issue.record("a paused sandbox lets a snapshot wait for ever")
            return
        }
    }

    @Test("what cannot be seen ends no turn")
    func unseen() {
        var story = Story.running()
        story.seen.checkpoint = .wanted("one")
        _ = story.decide()
        story.seen.checkpoint = nil
        #expect(story.decide().record.checkpoint == "one")
    }
}
