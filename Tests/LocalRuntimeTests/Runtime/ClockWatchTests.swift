// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing

@testable import LocalRuntime

@Suite("A clock that is set")
struct ClockWatchTests {
    @Test(
        "is noticed once, forwards and backwards, and going on is not",
        arguments: [(60.0, true), (-60, true), (0.1, false)]
    )
    func steps(step: Double, isSet: Bool) {
        var wall = Date(timeIntervalSince1970: 1000)
        var steady = ContinuousClock.now
        var watch = ClockWatch(wall: wall, steady: steady)
        func pass(_ seconds: Double, step: Double = 0) -> Bool {
            wall.addTimeInterval(seconds + step)
            steady += .seconds(seconds)
            return watch.isSet(wall: wall, steady: steady)
        }
        let seen = [pass(5), pass(5, step: step), pass(5)]
        #expect(seen == [false, isSet, false])
    }
}
