// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import SandboxModels
import Testing

import struct Foundation.Date

@Suite("Pausing")
struct PauseTransitionTests {
    @Test("captures, verifies, seals, releases, in this order and each recorded first")
    func order() {
        var story = Story.running()
        story.state(.paused)
        let deadline = story.now.addingTimeInterval(100)
        let attempt = CaptureAttempt(uid: "box-2", number: 2, deadline: deadline)

        var decision = story.decide()
        #expect(decision.record.phase == .pausing(attempt))
        #expect(decision.record.acknowledged == 2)
        #expect(decision.actions == [.capture(uid: "box-2", until: deadline)])
        #expect(decision.wakeAt == deadline)

        story.see(.active, .held)
        #expect(story.decide().actions.isEmpty)

        story.see(.succeeded(artifact("a")), .held)
        decision = story.decide()
        #expect(decision.record.phase == .pausing(attempt))
        #expect(decision.actions == [.verifyArtifact(artifact("a"), attempt: 2)])

        story.verify(.verified, 2)
        decision = story.decide()
        #expect(decision.record.phase == .sealing(attempt, artifact: artifact("a")))
        #expect(decision.actions == [.seal(uid: "box-2")])

        story.see(.succeeded(artifact("a")), .sealed)
        decision = story.decide()
        #expect(decision.record.phase == .releasing(attempt, artifact: artifact("a")))
        #expect(decision.actions == [.release(uid: "box-2", attempt: 1)])

        story.seen.compute = .absent
        decision = story.decide()
        #expect(decision.record.phase == .paused)
        #expect(decision.record.artifact == artifact("a"))
        #expect(decision.record.setback == nil)
        #expect(decision.actions == [.forgetCapture(uid: "box-2")])
        #expect(decision.condition(.paused)?.status == .yes)
        #expect(decision.condition(.ready)?.status == .no)
    }

    @Test("waits for compute that is not up")
    func waits() {
        var story = Story()
        story.seen.compute = .starting(1)
        story.state(.paused)
        #expect(story.decide().record.phase == .pending)
        story.seen.compute = .running(1)
        #expect(story.decide().record.phase.name == .pausing)
    }

    @Test("begins its capture again after a restart that forgot it, under the same name and deadline")
    func restarted() {
        var story = Story.pausing()
        let before = story.recorded
        story.seen = Observation()
        story.pass(50)
        let decision = story.decide()
        #expect(decision.record == before)
        #expect(decision.actions == [.capture(uid: "box-2", until: Story.start.addingTimeInterval(100))])
    }

    @Test(
        "thaws and says why when it fails",
        arguments: [
            (Observation.Capture.Progress.failed(.told), Observation.Capture.Hold.held, 0.0, "Told"),
            (.active, .held, 100, "PauseDeadlinePassed"),
            (.active, .thawed, 0, "FreezeEnded"),
            (.succeeded(artifact("a")), .held, 100, "PauseDeadlinePassed"),
        ]
    )
    func fails(
        progress: Observation.Capture.Progress,
        hold: Observation.Capture.Hold,
        after seconds: Double,
        reason: String
    ) {
        var story = Story.pausing()
        story.see(progress, hold)
        story.pass(seconds)
        var decision = story.decide()
        if hold != .thawed {
            #expect(decision.record.phase.name == .thawing)
            #expect(decision.actions == [.abandon(uid: "box-2")])
            #expect(decision.record.status.state == .pausing)
            story.see(progress, .thawed)
            decision = story.decide()
        }
        #expect(decision.record.phase == .running)
        #expect(decision.record.setback?.problem.reason == reason)
        #expect(decision.record.status.state == .running)
        #expect(decision.record.status.reason == reason)
        #expect(decision.condition(.pauseFailed)?.status == .yes)
        #expect(decision.condition(.pauseFailed)?.reason == reason)
        #expect(decision.actions.contains(.forgetCapture(uid: "box-2")))

        // It is kept until the next attempt, and nothing is tried again before.
        story.pass(10_000)
        #expect(story.decide().record.setback?.problem.reason == reason)
        story.state(.paused)
        decision = story.decide()
        #expect(decision.record.phase.capture?.uid == "box-3")
        #expect(decision.record.setback == nil)
    }

    @Test("thaws when its artifact does not verify, and has that deleted")
    func unverified() {
        var story = Story.pausing()
        story.see(.succeeded(artifact("a")), .held)
        story.verify(.missing(.told), 2)
        #expect(story.decide().actions == [.abandon(uid: "box-2")])
        story.see(.succeeded(artifact("a")), .thawed)
        let decision = story.decide()
        #expect(decision.record.phase == .running)
        #expect(decision.record.setback?.problem == .told)
        #expect(decision.record.artifact == nil)
        #expect(decision.actions == [.forgetCapture(uid: "box-2"), .deleteArtifact(artifact("a"))])
    }

    @Test("takes no verification but its own")
    func foreignVerification() {
        var story = Story.pausing()
        story.see(.succeeded(artifact("a")), .held)
        story.verify(.verified, 1)
        #expect(story.decide().record.phase.name == .pausing)
    }

    @Test("takes no capture but its own")
    func foreignCapture() {
        var story = Story.pausing()
        story.seen.capture = .init(uid: "box-1", progress: .succeeded(artifact("old")), hold: .thawed)
        #expect(story.decide().actions == [.capture(uid: "box-2", until: Story.start.addingTimeInterval(100))])
    }

    @Test("cancelled before the seal, runs on; the cancellation is told")
    func cancelled() {
        var story = Story.pausing()
        story.see(.active, .held)
        story.state(.running)
        #expect(story.decide().actions == [.abandon(uid: "box-2")])
        story.see(.active, .thawed)
        let decision = story.decide()
        #expect(decision.record.phase == .running)
        #expect(decision.record.acknowledged == 3)
        #expect(decision.record.setback?.problem.reason == "PauseCancelled")
    }

    @Test("cancelled after the seal was asked for, ends as the holder says, and the wish is not lost")
    func cancelledLate() {
        var sealed = Story.sealing()
        sealed.state(.running)
        #expect(sealed.decide().actions == [.seal(uid: "box-2")])
        sealed.see(.succeeded(artifact("a")), .sealed)
        #expect(sealed.decide().record.phase.name == .releasing)
        sealed.seen.compute = .absent
        #expect(sealed.decide().record.phase == .resuming(afterFailure: nil))

        var thawed = Story.sealing()
        thawed.state(.running)
        thawed.see(.succeeded(artifact("a")), .thawed)
        let decision = thawed.decide()
        #expect(decision.record.phase == .running)
        #expect(decision.record.acknowledged == 3)
        #expect(decision.actions.contains(.deleteArtifact(artifact("a"))))
    }

    @Test("never leaves the seal by a deadline; after a while it says what it waits for")
    func sealUnanswered() {
        var story = Story.sealing()
        story.see(.succeeded(artifact("a")), .unknown)
        var decision = story.decide()
        #expect(decision.wakeAt == Story.start.addingTimeInterval(110))
        #expect(decision.condition(.progressing)?.reason == "Sealing")
        story.pass(110)
        decision = story.decide()
        #expect(decision.record.phase.name == .sealing)
        #expect(decision.actions == [.seal(uid: "box-2")])
        #expect(decision.condition(.progressing)?.reason == "SealUnanswered")
        #expect(decision.wakeAt == nil)
    }

    @Test("finishes a release that a crash cut off")
    func releaseAfterCrash() {
        var story = Story.sealing()
        story.see(.succeeded(artifact("a")), .sealed)
        _ = story.decide()
        story.seen = Observation()
        story.pass(10_000)
        #expect(story.decide().actions == [.release(uid: "box-2", attempt: 1)])
        story.seen.compute = .absent
        #expect(story.decide().record.phase == .paused)
    }

    @Test("replaces the artifact of the pause before, and has that deleted but for what both have")
    func supersedes() {
        var story = Story.paused()
        story.recorded.artifact = artifact("a", "both")
        story.state(.running)
        _ = story.decide()
        story.seen = Observation(compute: .running(3))
        _ = story.decide()
        story.state(.paused)
        _ = story.decide()
        story.see(.succeeded(artifact("b", "both")), .sealed)
        story.verify(.verified, 4)
        _ = story.decide()
        story.seen.compute = .absent
        let decision = story.decide()
        #expect(decision.record.artifact == artifact("b", "both"))
        #expect(decision.record.leftovers == [.capture(uid: "box-4"), .artifact(artifact("a"))])
    }
}
