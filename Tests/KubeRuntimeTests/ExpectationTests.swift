// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import KubeModels
import Testing

@testable import KubeRuntime

@Suite
struct ExpectationTests {
    private struct Failure: Error {}

    @Test func aKeyWaitsUntilTheWriteIsSeen() async throws {
        let expectations = Expectations<String>()
        #expect(expectations.areMet(for: "k"))
        _ = try await expectations.creation(for: "k") { map("a", 9) }
        #expect(!expectations.areMet(for: "k") && expectations.areMet(for: "other"))
        // Another object, and an earlier state of this one.
        expectations.observe(.added(map("b", 20), isInitial: false))
        expectations.observe(.updated(old: map("a", 1), new: map("a", 8)))
        #expect(!expectations.areMet(for: "k"))
        expectations.observe(.updated(old: map("a", 8), new: map("a", 10)))
        #expect(expectations.areMet(for: "k"))
    }

    @Test func whatIsSeenBeforeTheAnswerCounts() async throws {
        let expectations = Expectations<String>()
        _ = try await expectations.creation(for: "k") {
            expectations.observe(.added(map("a", 9), isInitial: false))
            expectations.observe(.deleted(map("a", 10), isFinalStateKnown: true))
            return map("a", 9)
        }
        #expect(expectations.areMet(for: "k"))
        // What was seen before the write does not.
        expectations.observe(.added(map("a", 11), isInitial: false))
        _ = try await expectations.creation(for: "k") { map("a", 11) }
        #expect(!expectations.areMet(for: "k"))
    }

    @Test func aDeletionIsSeenWhenItHasBegun() async throws {
        let expectations = Expectations<String>()
        try await expectations.deletion(of: map("a", 1), for: "k") {}
        expectations.observe(.updated(old: map("a", 1), new: map("a", 2)))
        #expect(!expectations.areMet(for: "k"))
        var deleted = map("a", 3)
        deleted.metadata.deletionTimestamp = Timestamp(seconds: 1)
        expectations.observe(.updated(old: map("a", 2), new: deleted))
        #expect(expectations.areMet(for: "k"))
        try await expectations.deletion(of: map("b", 1), for: "k") {}
        expectations.observe(.deleted(map("b", 1), isFinalStateKnown: false))
        #expect(expectations.areMet(for: "k"))
    }

    @Test func nothingIsExpectedOfAWriteThatFailed() async {
        let expectations = Expectations<String>()
        await #expect(throws: Failure.self) {
            try await expectations.creation(for: "k") { () -> ConfigMap in throw Failure() }
        }
        #expect(expectations.areMet(for: "k"))
    }

    @Test func patienceEnds() async throws {
        let clock = ManualClock()
        let expectations = Expectations<String>(patience: .seconds(10), clock: clock)
        _ = try await expectations.creation(for: "k") { map("a", 9) }
        clock.advance(by: .seconds(9))
        #expect(!expectations.areMet(for: "k"))
        clock.advance(by: .seconds(1))
        #expect(expectations.areMet(for: "k"))
        _ = try await expectations.creation(for: "k") { map("a", 12) }
        expectations.forget("k")
        #expect(expectations.areMet(for: "k"))
    }
}
