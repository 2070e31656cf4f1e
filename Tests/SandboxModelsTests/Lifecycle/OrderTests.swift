// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import SandboxModels
import Testing

import struct Foundation.Date

@Suite("Orders and timers")
struct OrderTests {
    @Test("an edit that states no wish is no order, whatever it edits")
    func edits() {
        var story = Story.pausing()
        story.see(.failed(.told), .thawed)
        _ = story.decide()
        let before = story.recorded
        story.intent.timers.expireAt = story.now.addingTimeInterval(5000)
        story.intent.timers.pauseAt = nil
        let decision = story.decide()
        #expect(decision.record == before)
        #expect(decision.wakeAt == story.intent.timers.expireAt)
    }

    @Test("a repeated wish is an order: it tries a failed pause again")
    func restated() {
        var story = Story.pausing()
        story.see(.failed(.told), .thawed)
        _ = story.decide()
        story.state(.paused)
        #expect(story.decide().record.phase.name == .pausing)
    }

    @Test("a wish that has come true already is acknowledged and changes nothing else")
    func fulfilled() {
        var story = Story.paused()
        story.state(.paused)
        let decision = story.decide()
        #expect(decision.record.phase == .paused)
        #expect(decision.record.acknowledged == 3)
        #expect(decision.actions.isEmpty)
    }

    @Test("a running sandbox is paused when its time has come, once")
    func pauseAt() {
        var story = Story.running()
        story.intent.timers.pauseAt = story.now.addingTimeInterval(60)
        #expect(story.decide().wakeAt == story.intent.timers.pauseAt)
        story.pass(60)
        #expect(story.decide().record.phase.name == .pausing)
        story.see(.failed(.told), .thawed)
        let decision = story.decide()
        #expect(decision.record.phase == .running)
        #expect(decision.record.setback?.problem == .told)
        story.pass(1000)
        #expect(story.decide().record.phase == .running)
        story.intent.timers.pauseAt = story.now
        #expect(story.decide().record.phase.name == .pausing)
    }

    @Test("a paused sandbox is not touched by the time to pause at")
    func pausedAndPauseAt() {
        var story = Story.paused()
        story.intent.timers.pauseAt = story.now
        let before = story.recorded
        let decision = story.decide()
        #expect(decision.record == before)
        #expect(decision.wakeAt == nil)
    }

    @Test("expiry deletes what runs, and what is paused only where the dialect says so", arguments: [true, false])
    func expiry(whilePaused: Bool) {
        var paused = Story.paused()
        paused.intent.timers = Timers(expireAt: paused.now.addingTimeInterval(60), expiresWhilePaused: whilePaused)
        #expect(paused.decide().wakeAt == (whilePaused ? paused.intent.timers.expireAt : nil))
        paused.pass(60)
        #expect(paused.decide().record.phase.name == (whilePaused ? .deleting : .paused))

        var running = Story.running()
        running.intent.timers = Timers(expireAt: running.now.addingTimeInterval(60), expiresWhilePaused: whilePaused)
        #expect(running.decide().record.phase == .running)
        running.pass(60)
        #expect(running.decide().actions == [.deleteCompute(attempt: 1)])
    }

    @Test("a renewal in time keeps the sandbox")
    func renewal() {
        var story = Story.running()
        story.intent.timers.expireAt = story.now.addingTimeInterval(60)
        _ = story.decide()
        story.intent.timers.expireAt = story.now.addingTimeInterval(600)
        story.pass(60)
        let decision = story.decide()
        #expect(decision.record.phase == .running)
        #expect(decision.wakeAt == story.intent.timers.expireAt)
    }

    @Test("a failed sandbox is deleted a while after it failed, where that is asked for")
    func deleteAfterFailure() {
        var story = Story.failed(withArtifact: false)
        story.intent.timers.deleteAfterFailure = 30
        #expect(story.decide().wakeAt == story.now.addingTimeInterval(30))
        story.pass(30)
        #expect(story.decide().record.phase.name == .deleted)
    }

    @Test("a paused sandbox is deleted a while after it was paused, where that is asked for, and one that runs is not")
    func deleteAfterPause() {
        var running = Story.running()
        running.intent.timers.deleteAfterPause = 30
        #expect(running.decide().wakeAt == nil)
        running.pass(60)
        #expect(running.decide().record.phase == .running)

        var paused = Story.paused()
        paused.intent.timers.deleteAfterPause = 30
        #expect(paused.decide().wakeAt == paused.recorded.since.addingTimeInterval(30))
        paused.pass(30)
        #expect(paused.decide().record.phase.name == .deleting)
    }
}
