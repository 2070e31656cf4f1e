// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import KubeModels
import Testing

@testable import KubeRuntime

@Suite
struct EventCorrelatorTests {
    private func note(_ message: String, about name: String = "web", version: String = "1") -> EventNote {
        let object = ObjectReference.with {
            $0.kind = "Pod"
            $0.name = name
            $0.resourceVersion = version
        }
        return EventNote(.warning, about: object, reason: "Failed", message: message)
    }

    /// What is written, as `create message` and `count n message`.
    private func tell(_ correlator: inout EventCorrelator, _ note: EventNote, at now: Duration) -> String? {
        switch correlator.take(note, at: now) {
        case .drop: return nil
        case .create(let subject, let message):
            correlator.wrote(subject, name: "event", count: 1, first: Timestamp(seconds: 1))
            return "create \(message)"
        case .count(_, _, let message, let count, _): return "count \(count) \(message)"
        }
    }

    @Test func theSameAgainIsCounted() {
        var correlator = EventCorrelator()
        #expect(tell(&correlator, note("no"), at: .zero) == "create no")
        #expect(tell(&correlator, note("no", version: "2"), at: .seconds(1)) == "count 2 no")
        #expect(tell(&correlator, note("never"), at: .seconds(2)) == "create never")
        #expect(tell(&correlator, note("no", about: "db"), at: .seconds(3)) == "create no")
        #expect(tell(&correlator, note("no"), at: .seconds(4)) == "count 3 no")
    }

    @Test func manyThatDifferInTheirMessageBecomeOne() {
        var correlator = EventCorrelator()
        for number in 0..<10 { #expect(tell(&correlator, note("no \(number)"), at: .zero) == "create no \(number)") }
        #expect(tell(&correlator, note("no 10"), at: .zero) == "create (combined from similar events): no 10")
        #expect(tell(&correlator, note("no 11"), at: .zero) == "count 2 (combined from similar events): no 11")
        // Those that are known go on by themselves.
        #expect(tell(&correlator, note("no 3"), at: .zero) == "count 2 no 3")
        // After a rest all begins anew.
        #expect(tell(&correlator, note("no 12"), at: .seconds(601)) == "create no 12")
    }

    @Test func tooManyAreLeftOut() {
        var correlator = EventCorrelator()
        for _ in 0..<25 { #expect(tell(&correlator, note("no"), at: .zero) != nil) }
        #expect(tell(&correlator, note("no"), at: .seconds(1)) == nil)
        #expect(tell(&correlator, note("no", about: "db"), at: .seconds(1)) == "create no")
        #expect(tell(&correlator, note("no"), at: .seconds(301)) == "count 26 no")
        #expect(tell(&correlator, note("no"), at: .seconds(302)) == nil)
    }

    @Test func whatIsRememberedIsBounded() {
        var values = RecentValues<Int, Int>(limit: 10)
        for number in 0..<1000 {
            values[number] = number
            #expect(values[0] == 0, "what is used is kept")
            #expect(values.count <= 10)
        }
        #expect(values[999] == 999 && values[500] == nil)
        values[999] = nil
        #expect(values[999] == nil)
    }

    @Test func textsAreCutBetweenCharacters() {
        #expect("abc".cut(to: 3) == "abc")
        #expect("aéé".cut(to: 4) == "aé")
    }
}
