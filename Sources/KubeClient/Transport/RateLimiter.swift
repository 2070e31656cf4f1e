// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// Spaces requests out: a bucket of tokens that fills up again. Who finds it empty reserves a token that is yet to come.
final class RateLimiter: Sendable {
    private struct State {
        var tokens: Double
        var updated: ContinuousClock.Instant
    }

    private let limit: RateLimit
    private let now: @Sendable () -> ContinuousClock.Instant
    private let sleep: @Sendable (Duration) async throws -> Void
    private let state: Mutex<State>

    init(
        _ limit: RateLimit,
        now: @escaping @Sendable () -> ContinuousClock.Instant = { .now },
        sleep: @escaping @Sendable (Duration) async throws -> Void = { try await Task.sleep(for: $0) }
    ) {
        self.limit = limit
        self.now = now
        self.sleep = sleep
        state = Mutex(State(tokens: Double(limit.burst), updated: now()))
    }

    /// Returns when a request may be sent, in the order of the calls.
    ///
    /// - Throws: `CancellationError`; the token is given back.
    func wait() async throws {
        guard limit.requestsPerSecond.isFinite, limit.requestsPerSecond > 0 else { return }
        let delay = state.withLock { state -> Duration in
            let time = now()
            // A clock that jumps back must not empty the bucket.
            let passed = max(0, (time - state.updated) / .seconds(1))
            state.updated = time
            state.tokens = min(Double(limit.burst), state.tokens + passed * limit.requestsPerSecond) - 1
            return state.tokens >= 0 ? .zero : .seconds(-state.tokens / limit.requestsPerSecond)
        }
        guard delay > .zero else { return }
        do {
            try await sleep(delay)
        } catch {
            state.withLock { $0.tokens += 1 }
            throw error
        }
    }
}
