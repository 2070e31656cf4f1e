// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

/// Which accesses to sandboxes are told to their runtimes: for each sandbox not more than one in an interval. Pure.
struct AccessThrottle<Key: Hashable> {
    let interval: Duration
    /// How many sandboxes are remembered before the old ones are looked through.
    private var limit = 1024
    private var told: [Key: ContinuousClock.Instant] = [:]

    init(interval: Duration = .seconds(1)) {
        self.interval = interval
    }

    /// How many sandboxes are remembered.
    var count: Int { told.count }

    /// Whether an access is to be told; it counts as told then.
    mutating func admits(_ key: Key, at now: ContinuousClock.Instant) -> Bool {
        if let last = told[key], last.duration(to: now) < interval { return false }
        told[key] = now
        if told.count > limit {
            told = told.filter { $0.value.duration(to: now) < interval }
            // So many at once are remembered as long as they have to be.
            limit = max(1024, told.count * 2)
        }
        return true
    }
}
