// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import HummingbirdTesting
import Synchronization
import Testing

@testable import Server

@Suite struct RateLimitTests {
    @Test func tokensComeBackWithTime() {
        let start = ContinuousClock.now
        var bucket = TokenBucket(.init(requestsPerSecond: 2, burst: 3), at: start)
        func take(after offset: Duration) -> Duration? { bucket.take(at: start + offset) }
        for _ in 0..<3 { #expect(take(after: .zero) == nil) }
        #expect(take(after: .zero) == .milliseconds(500))
        #expect(take(after: .milliseconds(250)) == .milliseconds(250))
        #expect(take(after: .milliseconds(500)) == nil)
        // A rest gives no more than a burst, and a clock that goes back gives nothing.
        for _ in 0..<3 { #expect(take(after: .seconds(100)) == nil) }
        #expect(take(after: .seconds(100)) != nil)
        #expect(take(after: .zero) != nil)
    }

    @Test func overAnySpanNoMoreThanRateAndBurst() {
        for (rate, burst) in [(0.5, 1), (3.0, 2), (1000.0, 50)] {
            let start = ContinuousClock.now
            var bucket = TokenBucket(.init(requestsPerSecond: rate, burst: burst), at: start)
            var admitted = 0
            for step in 0..<10_000 where bucket.take(at: start + .milliseconds(step)) == nil { admitted += 1 }
            // One is asked for in each step.
            let most = min(Double(burst) + rate * 10, 10_000)
            #expect(Double(admitted) <= most + 0.001 && Double(admitted) >= most - 1.5, "\(admitted) of \(most)")
        }
    }

    @Test func aTenantThatAsksTooOftenIsToldWhen() async throws {
        let configure: (inout ServerConfiguration.HTTP) -> Void = {
            $0.rateLimit = .init(requestsPerSecond: 0.001, burst: 2)
            $0.apiKey = APIKey("k")
        }
        try await APIClient.with(configure: configure) { api async throws in
            // Who is nobody uses up nobody's tokens.
            for _ in 0..<5 { #expect(try await api.call(.get, "/sandboxes").status == .unauthorized) }
            for _ in 0..<2 {
                #expect(try await api.call(.get, "/sandboxes", headers: [.apiKey: "k"]).status == .ok)
            }
            let refused = try await api.call(.get, "/v1/sandboxes", headers: [.apiKey: "k"])
            #expect(try refused.error() == ErrorAnswer(429, "GENERAL::RATE_LIMITED"))
            #expect(refused.headers[.retryAfter].flatMap { Int($0) }.map { $0 > 900 } == true)
            #expect(try await api.call(.get, "/health").status == .ok)
        }
    }

    @Test func tenantsHaveLimitsOfTheirOwn() {
        let limits = RateLimits(.init(requestsPerSecond: 0.001, burst: 1))
        #expect(throws: Never.self) { try limits.admit("red") }
        #expect(throws: APIError.self) { try limits.admit("red") }
        #expect(throws: Never.self) { try limits.admit("blue") }
    }
}
