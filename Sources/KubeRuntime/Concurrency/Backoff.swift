// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

/// How the pause grows from one failure to the next.
public struct Backoff: Sendable, Hashable {
    /// The pause after the first failure; it doubles with each further one.
    public var firstDelay: Duration
    /// The longest pause.
    public var longestDelay: Duration
    /// How much of a pause is taken off at most, by chance, so that many do not come back together: from 0 to 1.
    public var jitter: Double

    /// Creates a policy.
    public init(firstDelay: Duration, longestDelay: Duration, jitter: Double = 0) {
        self.firstDelay = firstDelay
        self.longestDelay = longestDelay
        self.jitter = jitter
    }

    /// For items of a work queue: 5 ms to 1000 s, as client-go has it.
    public static let items = Backoff(firstDelay: .milliseconds(5), longestDelay: .seconds(1000))

    /// For lists and watches: 0.8 s to 30 s, up to half of it by chance.
    public static let watches = Backoff(firstDelay: .milliseconds(800), longestDelay: .seconds(30), jitter: 0.5)

    /// The pause after so many failures in a row, at least one.
    func delay(after failures: Int) -> Duration {
        var random = SystemRandomNumberGenerator()
        return delay(after: failures, using: &random)
    }

    func delay(after failures: Int, using random: inout some RandomNumberGenerator) -> Duration {
        let full = min(firstDelay * (1 << min(max(failures, 1) - 1, 30)), longestDelay)
        return jitter > 0 ? full * Double.random(in: (1 - jitter)...1, using: &random) : full
    }
}
