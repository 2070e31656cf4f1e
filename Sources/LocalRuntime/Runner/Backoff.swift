// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

/// How long to wait before something is tried again that has failed, and whether to tell of it: twice as long each time
/// up to a limit, and told once.
struct Backoff: Sendable, Hashable {
    /// The first wait.
    let first: Duration
    /// The longest.
    let longest: Duration
    /// How often in a row it has failed.
    private(set) var failures = 0

    init(from first: Duration, to longest: Duration) {
        self.first = first
        self.longest = longest
    }

    /// Whether the last failure was the first of a row.
    var isNews: Bool { failures == 1 }

    /// Counts a failure and says how long to wait.
    mutating func fail() -> Duration {
        failures += 1
        // Beyond that many doublings every limit is reached.
        return min(first * (1 << min(failures - 1, 20)), longest)
    }

    /// Begins anew.
    mutating func succeed() { failures = 0 }
}
