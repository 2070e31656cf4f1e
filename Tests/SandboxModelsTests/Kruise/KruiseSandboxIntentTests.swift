// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import KubeModels
import SandboxModels
import Testing

import struct Foundation.Date

@Suite("What the owner of a Sandbox of the Kruise dialect wants")
struct KruiseSandboxIntentTests {
    private static let start = Date(timeIntervalSince1970: 1_800_000_000)

    /// A sandbox as its owner changes it, and what was made of it.
    private struct Story {
        var sandbox = KruiseSandbox.with {
            $0.metadata.generation = 1
            $0.spec.template = RawJSON(JSONValue.object(["spec": ["containers": []]]))
        }
        var intent: PauseIntent?

        mutating func edit(_ change: (inout KruiseSandboxSpec) -> Void) {
            let before = sandbox.spec
            change(&sandbox.spec)
            if sandbox.spec != before { sandbox.metadata.generation = (sandbox.metadata.generation ?? 0) + 1 }
        }

        mutating func look() { intent = sandbox.pauseIntent(after: intent) }

        var wish: [Int] { [intent?.wantsPaused == true ? 1 : 0, intent?.statements ?? 0] }
    }

    @Test("paused that is taken away is the wish to run, and edits of anything else are none")
    func wishes() {
        var story = Story()
        story.look()
        #expect(story.wish == [0, 1])
        story.edit { $0.paused = true }
        story.look()
        #expect(story.wish == [1, 2])
        story.edit { $0.shutdownTime = SpelledTime("2027-01-01T00:00:00Z") }
        story.look()
        #expect(story.wish == [1, 2])
        story.edit { $0.paused = nil }
        story.look()
        #expect(story.wish == [0, 3])
        // Both before anybody has looked: it is tried again.
        story.edit { $0.paused = true }
        story.look()
        story.edit { $0.paused = false }
        story.edit { $0.paused = true }
        story.look()
        #expect(story.wish == [1, 5])
    }

    @Test("the machine is told of a pauseTime only with a wish to pause, and never when it is deleted")
    func timers() {
        var story = Story()
        story.edit { $0.pauseTime = SpelledTime(Self.start) }
        story.look()
        #expect(story.intent.map { story.sandbox.lifecycleIntent($0).timers } == Timers())
        story.edit {
            $0.paused = true
            $0.shutdownTime = SpelledTime(Self.start)
        }
        story.look()
        #expect(story.intent.map { story.sandbox.lifecycleIntent($0).timers } == Timers(pauseAt: Self.start))
    }

    @Test("a resume that leaves a pauseTime of the past alone is not paused again; one that states it anew is")
    func outlived() {
        var story = Story()
        story.edit {
            $0.paused = true
            $0.pauseTime = SpelledTime(Self.start)
        }
        story.look()
        let before = story.intent
        story.edit { $0.paused = false }
        story.look()
        guard let intent = story.intent else { return }
        #expect(story.sandbox.outlivesPauseTime(before, intent, at: Self.start))
        #expect(!story.sandbox.outlivesPauseTime(before, intent, at: Self.start.addingTimeInterval(-1)))
        #expect(!story.sandbox.outlivesPauseTime(intent, intent, at: Self.start))
        #expect(!story.sandbox.outlivesPauseTime(nil, intent, at: Self.start))

        story.intent = before
        story.edit { $0.pauseTime = SpelledTime(Self.start.addingTimeInterval(-60)) }
        story.look()
        guard let edited = story.intent else { return }
        #expect(!story.sandbox.outlivesPauseTime(before, edited, at: Self.start))
    }

    @Test(
        "what a pause is to keep",
        arguments: [
            Case([], .kept), Case([.filesystem], .kept), Case([.ip], .kept),
            Case([.memory, .filesystem], .withoutMemory),
            Case([.memory], .refused), Case([.memory, .ip], .refused), Case([.memory], .kept, keepsMemory: true),
            Case([.memory, .filesystem], .kept, keepsMemory: true),
        ]
    )
    private func contents(_ row: Case) {
        #expect(KruiseContentsVerdict(row.contents, keepsMemory: row.keepsMemory) == row.verdict)
    }

    /// What is asked for, and what comes of it.
    fileprivate struct Case {
        let contents: [KruiseContent]
        let keepsMemory: Bool
        let verdict: KruiseContentsVerdict

        init(_ contents: [KruiseContent], _ verdict: KruiseContentsVerdict, keepsMemory: Bool = false) {
            self.contents = contents
            self.keepsMemory = keepsMemory
            self.verdict = verdict
        }
    }
}
