// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import struct Foundation.Date

/// Notices that somebody has set the clock: dates that were waited for by another clock come at another moment then. Pure.
struct ClockWatch {
    /// How far the two clocks may drift apart before it counts.
    static let tolerance = 0.5

    private var wall: Date
    private var steady: ContinuousClock.Instant

    init(wall: Date, steady: ContinuousClock.Instant) {
        self.wall = wall
        self.steady = steady
    }

    /// Whether the wall clock has gone another way since the last look than the steady one.
    mutating func isSet(wall now: Date, steady instant: ContinuousClock.Instant) -> Bool {
        let drift = now.timeIntervalSince(wall) - (instant - steady) / .seconds(1)
        wall = now
        steady = instant
        return abs(drift) > Self.tolerance
    }
}
