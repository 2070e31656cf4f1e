// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import SandboxModels
import Testing

@Suite("Deleting")
struct DeleteTransitionTests {
    static let stories: [Story] = [
        Story(), .running(), .pausing(), .sealing(), .paused(),
        .failed(withArtifact: true), .failed(withArtifact: false),
    ]

    @Test("works from every phase and leaves nothing", arguments: stories.indices)
    func everywhere(index: Int) {
        var story = Self.stories[index]
        let incarnation = story.recorded.incarnation
        let hadArtifact = story.recorded.artifact != nil
        story.seen = Observation(compute: .running(incarnation))
        story.state(.deleted)
        var decision = story.decide()
        #expect(decision.record.phase == .deleting)
        #expect(decision.actions.first == .deleteCompute(attempt: incarnation))
        #expect(decision.actions.contains(.deleteArtifact(artifact("a"))) == (hadArtifact || index == 3))
        #expect(decision.record.status.state == .stopping)

        story.seen.compute = .absent
        story.seen.cleaned = Set(decision.record.leftovers)
        decision = story.decide()
        #expect(decision.record.phase == .deleted)
        #expect(decision.actions.isEmpty)
        #expect(decision.record.leftovers.isEmpty)
    }

    @Test("waits for what is still to be cleaned up")
    func leftovers() {
        var story = Story.paused()
        story.state(.deleted)
        let decision = story.decide()
        #expect(decision.record.phase == .deleting)
        #expect(decision.actions == [.deleteArtifact(artifact("a"))])
        #expect(decision.condition(.cleaningUp)?.status == .yes)
        story.seen.cleaned = [.artifact(artifact("a"))]
        #expect(story.decide().record.phase == .deleted)
    }

    @Test("is for ever")
    func noWayBack() {
        var story = Story.running()
        story.state(.deleted)
        _ = story.decide()
        story.state(.running)
        story.seen.compute = .running(1)
        #expect(story.decide().record.phase == .deleting)
        story.seen.compute = .absent
        #expect(story.decide().record.phase == .deleted)
        story.state(.running)
        #expect(story.decide().actions.isEmpty)
    }
}
