// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Synchronization

/// How often each tenant may ask.
final class RateLimits: Sendable {
    private let limit: ServerConfiguration.RequestLimit
    private let buckets = Mutex<[String: TokenBucket]>([:])
    private let clock: @Sendable () -> ContinuousClock.Instant

    init(
        _ limit: ServerConfiguration.RequestLimit,
        clock: @escaping @Sendable () -> ContinuousClock.Instant = { .now }
    ) {
        self.limit = limit
        self.clock = clock
    }

    /// Counts a request of a tenant.
    ///
    /// - Throws: ``APIError`` (429) if it comes too soon.
    func admit(_ tenant: String) throws(APIError) {
        let now = clock()
        let wait = buckets.withLock { buckets in
            buckets[tenant, default: TokenBucket(limit, at: now)].take(at: now)
        }
        if let wait { throw .tooManyRequests(wait: wait) }
    }
}

/// Tokens, one a request, that come back with time.
struct TokenBucket: Sendable, Equatable {
    private let perSecond: Double
    private let capacity: Double
    private var tokens: Double
    private var filled: ContinuousClock.Instant

    /// A full one.
    init(_ limit: ServerConfiguration.RequestLimit, at now: ContinuousClock.Instant) {
        perSecond = limit.requestsPerSecond
        capacity = Double(limit.burst)
        tokens = capacity
        filled = now
    }

    /// Takes a token; if there is none, answers how long it takes until there is.
    mutating func take(at now: ContinuousClock.Instant) -> Duration? {
        if now > filled {
            tokens = min(capacity, tokens + (now - filled) / .seconds(1) * perSecond)
            filled = now
        }
        guard tokens >= 1 else { return .seconds(1) * ((1 - tokens) / perSecond) }
        tokens -= 1
        return nil
    }
}

extension APIError {
    static func tooManyRequests(wait: Duration) -> APIError {
        let seconds = max(1, Int((wait / .seconds(1)).rounded(.up)))
        return APIError(
            .tooManyRequests,
            "GENERAL::RATE_LIMITED",
            "This key is used more often than the server allows (server.rate_limit_per_second). Try again in \(seconds) s.",
            headers: [.retryAfter: "\(seconds)"]
        )
    }
}
