// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

/// How often, and after which pauses, a request is tried again that failed for a reason that may pass.
///
/// Requests that were refused because there are too many (429) are; so are those that may be repeated (GET, PUT, DELETE, and
/// patches that come to the same when repeated) after a 5xx or a broken connection. All are that never reached the server.
public struct RetryPolicy: Sendable {
    /// How often a request is sent at most; 1 means never again.
    public var attempts: Int
    /// The pause before the first repetition; it doubles with each further one.
    public var firstDelay: Duration
    /// The longest pause, also when the server asks for a longer one.
    public var longestDelay: Duration
    /// Waits; throws `CancellationError` when its task is cancelled.
    public var sleep: @Sendable (Duration) async throws -> Void

    /// Creates a policy.
    public init(
        attempts: Int = 5,
        firstDelay: Duration = .milliseconds(200),
        longestDelay: Duration = .seconds(30),
        sleep: @escaping @Sendable (Duration) async throws -> Void = { try await Task.sleep(for: $0) }
    ) {
        self.attempts = attempts
        self.firstDelay = firstDelay
        self.longestDelay = longestDelay
        self.sleep = sleep
    }

    /// The pause after an attempt, counted from 1: what the server asked for, else twice the one before with up to half of it
    /// taken off by chance, so that many clients don't come back together.
    func delay(after attempt: Int, retryAfter: Duration?) -> Duration {
        if let retryAfter { return min(retryAfter, longestDelay) }
        let full = min(firstDelay * (1 << min(attempt - 1, 16)), longestDelay)
        return full * Double.random(in: 0.5...1)
    }
}
