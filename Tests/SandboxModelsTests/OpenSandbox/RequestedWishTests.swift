// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import KubeModels
import SandboxModels
import Testing

/// The name of the request in which a wish was stated.
struct RequestedWishTests {
    private func sandbox(_ pause: Bool?, generation: Int, _ annotations: [String: JSONValue] = [:]) -> BatchSandbox {
        .with {
            $0.metadata.generation = generation
            $0.spec.pause = pause
            for case (let key, .string(let text)) in annotations { $0.metadata.annotations[key] = text }
        }
    }

    private func annotations(_ request: String, pause: Bool, seenAt generation: Int) -> [String: JSONValue] {
        RequestID.$current.withValue(RequestID(request)) {
            RequestedWish.annotations(pause: pause, of: .with { $0.generation = generation })
        }
    }

    @Test func isThatOfTheWishThatItCameWith() {
        let created = sandbox(nil, generation: 1, annotations("create", pause: false, seenAt: 0))
        let first = created.pauseIntent(after: nil)
        #expect(first.request == "create")
        let paused = sandbox(true, generation: 2, annotations("pause", pause: true, seenAt: 1))
        let second = paused.pauseIntent(after: first)
        #expect(second.request == "pause" && second.statements == 2)
        #expect(paused.pauseIntent(after: second) == second)
        // It is written down, and an older schema loses nothing.
        #expect((try? PauseIntent(json: second.jsonText)) == second)
    }

    @Test func staysThroughTheEditOfAnotherField() {
        let annotations = annotations("pause", pause: true, seenAt: 1)
        let first = sandbox(true, generation: 2, annotations).pauseIntent(after: nil)
        var renewed = sandbox(true, generation: 3, annotations)
        renewed.spec.expireTime = SpelledTime("2030-01-01T00:00:00Z")
        #expect(renewed.pauseIntent(after: first).request == "pause")
    }

    @Test func isNotTakenForAnotherWish() {
        let stale = annotations("pause", pause: true, seenAt: 1)
        let paused = sandbox(true, generation: 2, stale).pauseIntent(
            after: sandbox(nil, generation: 1).pauseIntent(after: nil)
        )
        #expect(paused.request == "pause")
        // With kubectl: the annotation is still there.
        let resumed = sandbox(false, generation: 3, stale).pauseIntent(after: paused)
        #expect(!resumed.wantsPaused && resumed.request == nil)
        let again = sandbox(true, generation: 4, stale).pauseIntent(after: resumed)
        #expect(again.wantsPaused && again.request == nil)
    }

    @Test func isSeenWhenTheWishWasTakenAwayAndStatedAnew() {
        let failed = sandbox(true, generation: 2, annotations("first", pause: true, seenAt: 1)).pauseIntent(after: nil)
        let restated = sandbox(true, generation: 4, annotations("second", pause: true, seenAt: 3))
        let both = restated.pauseIntent(after: failed)
        #expect(both.statements == failed.statements + 1 && both.request == "second")
        let between = sandbox(nil, generation: 3).pauseIntent(after: failed)
        #expect(restated.pauseIntent(after: between).request == "second")
    }

    @Test func whoeverMayWriteTheObjectMakesNoHeaderOfIt() {
        let hostile: JSONValue = #"{"request":"a\r\nSet-Cookie: b","pause":true,"generation":1}"#
        let intent = sandbox(true, generation: 2, [OpenSandbox.Annotation.wish: hostile]).pauseIntent(after: nil)
        #expect(intent.request == "a__Set-Cookie:_b")
        for nonsense: JSONValue in ["", "{}", "nonsense", #"{"request":1}"#] {
            let intent = sandbox(true, generation: 2, [OpenSandbox.Annotation.wish: nonsense]).pauseIntent(after: nil)
            #expect(intent.request == nil && intent.wantsPaused)
        }
    }

    @Test func isSaidOfNobodyWhoAsksForNothing() {
        #expect(RequestedWish.annotations(pause: true, of: ObjectMeta()).isEmpty)
        #expect(RequestedWish.annotation(pause: true) == nil)
    }

    @Test(arguments: [
        ("a", "a"), ("two words", "two_words"), ("\u{e9}", "__"), ("a(b)\"c\\", "a_b__c_"), ("\n", "_"),
        ("A-z_0.9~:/+=@", "A-z_0.9~:/+=@"),
    ])
    func whatTravelsMeansNothingAnywhere(_ sent: String, _ travels: String) {
        #expect(RequestID(nearest: sent)?.text == travels)
        #expect((RequestID(sent) != nil) == (sent == travels))
    }

    @Test func isOfABoundedLength() {
        let long = String(repeating: "x", count: 129)
        #expect(RequestID(long) == nil && RequestID("") == nil && RequestID(nearest: "") == nil)
        #expect(RequestID(nearest: long)?.text.utf8.count == RequestID.maximumLength)
    }
}
