// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import SandboxModels
import Testing

import struct Foundation.Date

@Suite("Resuming")
struct ResumeTransitionTests {
    @Test("verifies, then creates, then runs")
    func order() {
        var story = Story.paused()
        story.state(.running)
        var decision = story.decide()
        #expect(decision.record.phase == .resuming(afterFailure: nil))
        #expect(decision.record.incarnation == 3)
        #expect(decision.actions == [.verifyArtifact(artifact("a"), attempt: 3)])

        story.verify(.verified, 3)
        #expect(story.decide().actions == [.createCompute(attempt: 3, from: artifact("a"))])
        story.seen.compute = .starting(3)
        #expect(story.decide().actions.isEmpty)
        story.seen.compute = .running(3)
        decision = story.decide()
        #expect(decision.record.phase == .running)
        #expect(decision.record.artifact == artifact("a"))
        #expect(decision.condition(.ready)?.status == .yes)
    }

    @Test("a verification made for the pause is none for the resume")
    func verifiesAnew() {
        var story = Story.paused()
        story.verify(.verified, 2)
        story.state(.running)
        #expect(story.decide().actions == [.verifyArtifact(artifact("a"), attempt: 3)])
    }

    @Test("is given up when its time is over, leaves nothing behind, and succeeds later")
    func deadline() {
        var story = Story.paused()
        story.policy.resumeTimeout = 60
        story.state(.running)
        let end = story.now.addingTimeInterval(60)
        #expect(story.decide().wakeAt == end)
        story.verify(.verified, 3)
        #expect(story.decide().wakeAt == end)
        story.seen.compute = .starting(3)
        story.pass(59)
        #expect(story.decide().record.phase == .resuming(afterFailure: nil))
        story.pass(1)
        // It may be up by now.
        story.seen.compute = .unknown
        #expect(story.decide().record.phase == .resuming(afterFailure: nil))
        story.seen.compute = .starting(3)
        var decision = story.decide()
        #expect(decision.record.phase == .paused)
        #expect(decision.record.setback?.problem.reason == "ResumeDeadlinePassed")
        #expect(decision.actions == [.deleteCompute(attempt: 3)])

        story.seen.compute = .absent
        #expect(story.decide().actions.isEmpty)
        story.state(.running)
        decision = story.decide()
        #expect(decision.actions == [.verifyArtifact(artifact("a"), attempt: 4)])
        story.verify(.verified, 4)
        _ = story.decide()
        story.seen.compute = .running(4)
        story.pass(1000)
        #expect(story.decide().record.phase == .running)
    }

    @Test("stays paused when the artifact is gone, says so, and succeeds later")
    func missing() {
        var story = Story.paused()
        story.state(.running)
        _ = story.decide()
        story.verify(.missing(.told), 3)
        var decision = story.decide()
        #expect(decision.record.phase == .paused)
        #expect(decision.record.setback == Recorded.Setback(.resume, .told))
        #expect(decision.record.artifact == artifact("a"))
        #expect(decision.actions.isEmpty)
        #expect(decision.condition(.resumeFailed)?.status == .yes)
        #expect(decision.condition(.paused)?.status == .yes)
        #expect(decision.record.status.message == Problem.told.message)

        story.state(.running)
        decision = story.decide()
        #expect(decision.record.setback == nil)
        #expect(decision.actions == [.verifyArtifact(artifact("a"), attempt: 4)])
        story.verify(.verified, 4)
        _ = story.decide()
        story.seen.compute = .running(4)
        #expect(story.decide().record.phase == .running)
    }

    @Test("stays paused when the compute does not come up, and deletes its remains")
    func didNotComeUp() {
        var story = Story.paused()
        story.state(.running)
        _ = story.decide()
        story.seen.compute = .ended(3, .told)
        let decision = story.decide()
        #expect(decision.record.phase == .paused)
        #expect(decision.record.setback == Recorded.Setback(.resume, .told))
        #expect(decision.actions == [.deleteCompute(attempt: 3)])
    }

    @Test("removes what an earlier attempt left before it creates anything")
    func inTheWay() {
        var story = Story.paused()
        story.state(.running)
        _ = story.decide()
        story.verify(.verified, 3)
        story.seen.compute = .stopping(1)
        #expect(story.decide().actions == [.deleteCompute(attempt: 1)])
        story.seen.compute = .absent
        #expect(story.decide().actions == [.createCompute(attempt: 3, from: artifact("a"))])
    }

    @Test("concludes nothing from an artifact that is gone while the compute cannot be seen: it may be up")
    func unseen() {
        var story = Story.paused()
        story.state(.running)
        _ = story.decide()
        story.seen.compute = .unknown
        story.verify(.missing(.told), 3)
        #expect(story.decide().record.phase.name == .resuming)
        story.seen.compute = .running(3)
        #expect(story.decide().record.phase == .running)
    }

    @Test("a wish to pause waits until the sandbox runs")
    func queued() {
        var story = Story.paused()
        story.state(.running)
        _ = story.decide()
        story.state(.paused)
        #expect(story.decide().record.phase.name == .resuming)
        story.seen.compute = .running(3)
        let decision = story.decide()
        #expect(decision.record.phase.capture?.uid == "box-4")
        #expect(decision.record.acknowledged == story.intent.generation)
    }
}
