// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import SandboxModels
import Testing

import struct Foundation.Date

@Suite("Thawing")
struct ThawTransitionTests {
    @Test("takes the thaw for done some time after the deadline, when the holder says nothing")
    func silentHolder() {
        var story = Story.pausing()
        story.see(.failed(.told), .unknown)
        var decision = story.decide()
        #expect(decision.record.phase.name == .thawing)
        #expect(decision.wakeAt == Story.start.addingTimeInterval(110))
        story.pass(109)
        decision = story.decide()
        #expect(decision.actions == [.abandon(uid: "box-2")])
        story.pass(1)
        decision = story.decide()
        #expect(decision.record.phase == .running)
        #expect(decision.record.setback?.problem == .told)
    }

    @Test("keeps a wish to pause for afterwards")
    func queued() {
        var story = Story.pausing()
        story.see(.failed(.told), .held)
        _ = story.decide()
        story.state(.paused)
        #expect(story.decide().record.phase.name == .thawing)
        story.see(.failed(.told), .thawed)
        let decision = story.decide()
        #expect(decision.record.phase.capture?.uid == "box-3")
        #expect(decision.actions.contains(.forgetCapture(uid: "box-2")))
    }

    @Test("ends as failed when the compute is gone")
    func lost() {
        var story = Story.pausing()
        story.see(.failed(.told), .held)
        _ = story.decide()
        story.seen.compute = .absent
        #expect(story.decide().record.phase.name == .failed)
    }
}
