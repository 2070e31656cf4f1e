// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Synchronization
import TestSupport
import Testing

@testable import KubeClient

struct RateLimiterTests {
    /// A clock that a test moves.
    private final class TestClock: Sendable {
        let offset = Mutex(Duration.zero)
        let pauses = Mutex<[Duration]>([])
        private let start = ContinuousClock.now

        var now: ContinuousClock.Instant { start + offset.withLock { $0 } }
        func move(_ duration: Duration) { offset.withLock { $0 += duration } }
    }

    @Test func spacesRequestsOut() async throws {
        let clock = TestClock()
        let limiter = RateLimiter(
            RateLimit(requestsPerSecond: 10, burst: 3),
            now: { clock.now },
            sleep: { pause in
                clock.pauses.withLock { $0.append(pause) }
            }
        )
        for _ in 0..<5 { try await limiter.wait() }
        #expect(clock.pauses.withLock { $0 } == [.milliseconds(100), .milliseconds(200)])
        clock.move(.milliseconds(200))
        try await limiter.wait()
        #expect(clock.pauses.withLock { $0.last } == .milliseconds(100))
        // A long rest fills the bucket and no more; a clock that jumps back does not empty it.
        clock.move(.seconds(3600))
        clock.move(.seconds(-1800))
        for _ in 0..<3 { try await limiter.wait() }
        #expect(clock.pauses.withLock { $0.count } == 3)
    }

    @Test func whoGivesUpGivesTheTokenBack() async throws {
        let clock = TestClock()
        let limiter = RateLimiter(
            RateLimit(requestsPerSecond: 1, burst: 1),
            now: { clock.now },
            sleep: { pause in
                clock.pauses.withLock { $0.append(pause) }
                throw CancellationError()
            }
        )
        try await limiter.wait()
        for _ in 0..<3 { await #expect(throws: CancellationError.self) { try await limiter.wait() } }
        #expect(clock.pauses.withLock { $0 } == [.seconds(1), .seconds(1), .seconds(1)])
    }
}
