// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import KubeModels
import SandboxModels
import Testing

/// An edit of a `BatchSandbox` is told from a wish.
struct PauseIntentTests {
    /// A `BatchSandbox` as its owner changes it, and what was made of it.
    private struct Story {
        var sandbox = BatchSandbox.with {
            $0.metadata.generation = 1
            $0.spec.template = RawJSON(JSONValue.object(["spec": ["containers": []]]))
        }
        var intent: PauseIntent?

        /// A write of the spec, which API servers count if it changes anything.
        mutating func edit(_ change: (inout BatchSandboxSpec) -> Void) {
            let before = sandbox.spec
            change(&sandbox.spec)
            if sandbox.spec != before { sandbox.metadata.generation = (sandbox.metadata.generation ?? 0) + 1 }
        }

        /// Looks at it, and writes down what it has seen.
        mutating func look() { intent = sandbox.pauseIntent(after: intent) }

        var wish: [Int] { [intent?.wantsPaused == true ? 1 : 0, intent?.statements ?? 0] }
    }

    @Test(arguments: [nil, false, true]) func theFirstLookIsTheFirstStatement(_ pause: Bool?) {
        var story = Story()
        story.sandbox.spec.pause = pause
        story.look()
        #expect(story.wish == [pause == true ? 1 : 0, 1])
        story.look()
        #expect(story.wish == [pause == true ? 1 : 0, 1])
    }

    @Test func aChangedWishIsAStatement() {
        var story = Story()
        story.look()
        story.edit { $0.pause = true }
        story.look()
        #expect(story.wish == [1, 2])
        story.edit { $0.pause = false }
        story.look()
        #expect(story.wish == [0, 3])
    }

    @Test func anEditOfTheControllersOwnIsNoneAndHidesNone() {
        var story = Story()
        story.edit { $0.pause = true }
        story.look()
        var spec = story.sandbox.spec
        spec.poolRef = nil
        spec.template = RawJSON(JSONValue.object(["spec": ["containers": [["name": "c"]]]]))
        story.intent?.note(edit: spec, of: story.sandbox)
        story.edit { $0 = spec }
        let written = story.intent
        story.look()
        #expect(story.intent == written)
        #expect(story.wish == [1, 1])
        // The pause is tried again before anybody has looked.
        story.intent = written
        story.edit { $0.pause = nil }
        story.edit { $0.pause = true }
        story.look()
        #expect(story.wish == [1, 2])
    }

    @Test func anEditIsNone() {
        var story = Story()
        story.edit { $0.pause = true }
        story.look()
        for second in 10..<20 {
            story.edit { $0.expireTime = SpelledTime("2026-11-21T00:40:42.9368\(second)+00:00") }
            story.look()
        }
        // Renewals within one microsecond are still two.
        story.edit { $0.expireTime = SpelledTime("2026-11-21T00:40:42.9368419+00:00") }
        story.edit { $0.expireTime = SpelledTime("2026-11-21T00:40:42.9368418+00:00") }
        story.look()
        story.edit { $0.replicas = 2 }
        story.edit { $0.template = RawJSON(JSONValue.object(["spec": ["containers": [["name": "c"]]]])) }
        story.look()
        story.edit { $0.unknownFields["future"] = RawJSON(1) }
        story.look()
        #expect(story.wish == [1, 1])
        #expect(story.intent?.generation == story.sandbox.metadata.generation)
    }

    /// What upstream's server does when the last pause has failed: null, then true.
    @Test(arguments: [false, true]) func theBridgeIsAStatement(_ isSeenBetween: Bool) {
        var story = Story()
        story.look()
        story.edit { $0.pause = true }
        story.look()
        story.edit { $0.pause = nil }
        if isSeenBetween {
            story.look()
            #expect(story.wish == [1, 2])
        }
        story.edit { $0.pause = true }
        story.look()
        #expect(story.wish == [1, 3])
    }

    @Test func whatIsTakenAwayIsNoWish() {
        var story = Story()
        story.edit { $0.pause = true }
        story.look()
        story.edit { $0.pause = nil }
        story.edit { $0.replicas = 3 }
        story.look()
        #expect(story.wish == [1, 1])
    }

    @Test func anOlderStateChangesNothing() {
        var story = Story()
        story.look()
        let old = story.sandbox
        story.edit { $0.pause = true }
        story.look()
        #expect(old.pauseIntent(after: story.intent) == story.intent)
    }

    /// A new schema has a new default, or prunes less: the spec differs, the generation does not.
    @Test func aSpecThatNobodyEditedIsLearnt() {
        var story = Story()
        story.edit { $0.pause = true }
        story.look()
        story.sandbox.spec.taskResourcePolicyWhenCompleted = .retain
        story.look()
        #expect(story.wish == [1, 1])
        story.edit { $0.pause = nil }
        story.edit { $0.pause = true }
        story.look()
        #expect(story.wish == [1, 2])
    }

    /// Every history of four writes, seen at every subset of its states.
    @Test func noWishIsLostAndNoEditIsAWish() throws {
        let writes: [(name: String, change: (inout BatchSandboxSpec) -> Void)] = [
            ("edit", { $0.replicas += 1 }), ("pause", { $0.pause = true }), ("resume", { $0.pause = false }),
            ("clear", { $0.pause = nil }),
        ]
        let length = 4
        for history in 0..<256 {
            let steps = (0..<length).map { writes[(history >> (2 * $0)) & 3] }
            for looks in 0..<16 {
                var story = Story()
                story.look()
                var wish = false
                for (index, step) in steps.enumerated() {
                    let generation = story.sandbox.metadata.generation
                    story.edit(step.change)
                    if story.sandbox.spec.pause != nil, generation != story.sandbox.metadata.generation,
                        step.name != "edit"
                    {
                        wish = step.name == "pause"
                    }
                    let before = story.wish
                    if looks & (1 << index) != 0 || index == length - 1 { story.look() }
                    // Seen one by one, only pause and resume that change the field are statements.
                    if looks == 15 {
                        let isStated = story.wish[1] > before[1]
                        let isWish =
                            generation != story.sandbox.metadata.generation && ["pause", "resume"].contains(step.name)
                        #expect(isStated == isWish, "\(steps.map(\.name))")
                    }
                }
                // Whatever was missed, what was wanted last is known; one that was taken away before it was seen is not.
                if story.sandbox.spec.pause != nil {
                    #expect((story.wish[0] == 1) == wish, "\(steps.map(\.name)) \(looks)")
                }
                // Only edits: never a statement.
                if steps.allSatisfy({ $0.name == "edit" || $0.name == "clear" }) { #expect(story.wish == [0, 1]) }
            }
        }
    }

    @Test func isKeptInAnAnnotation() throws {
        var story = Story()
        story.edit { $0.pause = true }
        story.look()
        story.sandbox.metadata.annotations[OpenSandbox.Annotation.intent] = story.intent?.jsonText
        #expect(try story.sandbox.recordedIntent() == story.intent)
        story.sandbox.metadata.annotations[OpenSandbox.Annotation.intent] = "{"
        #expect(throws: JSONError.self) { try story.sandbox.recordedIntent() }
        story.sandbox.metadata.annotations = [:]
        #expect(try story.sandbox.recordedIntent() == nil)
    }

    @Test func isReadByTheMachine() throws {
        var story = Story()
        story.edit { $0.expireTime = SpelledTime("2026-11-21T00:40:42.5+01:00") }
        story.look()
        story.edit { $0.pause = true }
        story.look()
        let intent = try #require(story.intent)
        let expected = try #require(MicroTime("2026-11-20T23:40:42.5Z")?.date)
        #expect(
            story.sandbox.lifecycleIntent(intent)
                == Intent(wish: .paused, generation: 2, timers: Timers(expireAt: expected, expiresWhilePaused: true))
        )
        story.sandbox.metadata.deletionTimestamp = Timestamp(seconds: 0)
        #expect(story.sandbox.lifecycleIntent(intent).wish == .deleted)
        #expect(story.sandbox.lifecycleIntent(intent).generation == 3)
    }

    /// The digest does not depend on how the JSON is laid out, and is pinned: another one would make every edit of an
    /// existing sandbox look like one more after an upgrade, and every bridge like an edit.
    @Test func theDigestIsThatOfTheMeaning() throws {
        let one = try BatchSandboxSpec(json: #"{"replicas":1,"template":{"b":1,"a":[]},"pause":true,"x":{"k":null}}"#)
        let two = try BatchSandboxSpec(json: #"{ "x": {"k": null}, "template": {"a": [ ], "b": 1}, "replicas": 1 }"#)
        #expect(one.digestWithoutPause == two.digestWithoutPause)
        #expect(one.digestWithoutPause == "bab3400ac42091cb1cc6752ad918911ddabc7be981a27299a8a51f13737af6eb")
        let three = try BatchSandboxSpec(json: #"{"replicas":1,"template":{"b":1,"a":[1]},"x":{"k":null}}"#)
        #expect(three.digestWithoutPause != one.digestWithoutPause)
    }
}
