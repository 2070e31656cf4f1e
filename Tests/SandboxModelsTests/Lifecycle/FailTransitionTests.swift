// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import SandboxModels
import Testing

@Suite("Failing")
struct FailTransitionTests {
    @Test("compute that ends by itself makes the sandbox failed, and nothing comes back by itself")
    func ends() {
        var story = Story.running()
        story.seen.compute = .ended(1, .told)
        var decision = story.decide()
        #expect(decision.record.phase == .failed(.told))
        #expect(decision.actions.isEmpty)
        #expect(decision.record.status.state == .failed)
        #expect(decision.record.status.reason == "Told")
        #expect(decision.condition(.failed)?.status == .yes)
        story.seen.compute = .absent
        story.pass(1_000_000)
        decision = story.decide()
        #expect(decision.record.phase == .failed(.told))
        #expect(decision.actions.isEmpty)
    }

    @Test("a new wish starts it again from its image, after the remains are deleted")
    func restartsFromImage() {
        var story = Story.running()
        story.seen.compute = .ended(1, .told)
        _ = story.decide()
        story.state(.running)
        #expect(story.decide().actions == [.deleteCompute(attempt: 1)])
        story.seen.compute = .absent
        #expect(story.decide().actions == [.createCompute(attempt: 2, from: nil)])
        story.seen.compute = .running(2)
        #expect(story.decide().record.phase == .running)
    }

    @Test("a new wish starts it again from its artifact, if it has one")
    func restartsFromArtifact() {
        var story = Story.failed(withArtifact: true)
        #expect(story.decide().actions.isEmpty)
        story.state(.running)
        #expect(story.decide().actions == [.verifyArtifact(artifact("a"), attempt: 4)])
        story.verify(.verified, 4)
        #expect(story.decide().actions == [.createCompute(attempt: 4, from: artifact("a"))])
    }

    @Test("an artifact that is gone leaves it failed for the old reason, with a new one beside")
    func artifactGone() {
        var story = Story.failed(withArtifact: true)
        let phase = story.recorded.phase
        story.state(.running)
        _ = story.decide()
        story.verify(.missing(.told), 4)
        let decision = story.decide()
        #expect(decision.record.phase == phase)
        #expect(decision.record.setback == Recorded.Setback(.resume, .told))
    }

    @Test("a wish to pause is answered: there is nothing to capture", arguments: [true, false])
    func pause(withArtifact: Bool) {
        var story = Story.failed(withArtifact: withArtifact)
        let phase = story.recorded.phase
        story.state(.paused)
        let decision = story.decide()
        #expect(decision.record.phase == phase)
        #expect(decision.record.acknowledged == story.intent.generation)
        #expect(decision.record.setback?.problem.reason == "NothingToPause")
        #expect(decision.condition(.pauseFailed)?.status == .yes)
    }

    @Test("a wish to run that was stated before the loss was known does not start it again")
    func staleWish() {
        var story = Story.running()
        story.state(.running)
        story.seen.compute = .absent
        let decision = story.decide()
        #expect(decision.record.phase.name == .failed)
        #expect(decision.record.acknowledged == 2)
    }

    @Test("compute that does not come up for the first time makes it failed")
    func neverUp() {
        var story = Story()
        story.seen.compute = .absent
        #expect(story.decide().actions == [.createCompute(attempt: 1, from: nil)])
        story.seen.compute = .ended(1, .told)
        #expect(story.decide().record.phase == .failed(.told))
    }

    @Test("lost while it is captured, it keeps what was captured if that is durable, and is not paused")
    func lostWhilePausing() {
        var story = Story.pausing()
        story.see(.succeeded(artifact("a")), .unknown)
        story.seen.compute = .absent
        #expect(story.decide().actions == [.verifyArtifact(artifact("a"), attempt: 2)])
        story.verify(.verified, 2)
        let decision = story.decide()
        #expect(decision.record.phase.name == .failed)
        #expect(decision.record.artifact == artifact("a"))
        #expect(decision.record.setback?.transition == .pause)
        #expect(decision.actions == [.forgetCapture(uid: "box-2")])
    }

    @Test("lost while nobody knows whether it was sealed, it is failed, and can be resumed")
    func lostWhileSealing() {
        var story = Story.sealing()
        story.see(.succeeded(artifact("a")), .unknown)
        story.seen.compute = .absent
        #expect(story.decide().record.phase.name == .failed)
        #expect(story.recorded.artifact == artifact("a"))
        story.state(.running)
        #expect(story.decide().record.phase.name == .resuming)
    }

    @Test("gone after it was sealed, it is paused")
    func goneAfterSeal() {
        var story = Story.sealing()
        story.see(.succeeded(artifact("a")), .sealed)
        story.seen.compute = .absent
        #expect(story.decide().record.phase == .paused)
    }
}
