// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing

@testable import LocalRuntime

@Suite("A clock that is set")
struct ClockWatchTests {
    @Test("is noticed once, forwards and backwards, and going on is not", arguments: [(60.0, true), (-60, true), (0.1, false)])
    func steps(step: Double, isSet: Bool) {
        var wall = Date(timeIntervalSince1970: 1000)
        var steady = ContinuousClock.now
        var watch = ClockWatch(wall: wall, steady: steady)
        func pass(_ seconds: Double) {
            wall.addTimeInterval(seconds)
            steady += .seconds(seconds)
        }
        pass(5)
        #expect(!watch.isSet(wall: wall, steady: steady))
        pass(5)
        wall.addTimeInterval(step)
        #expect(watch.isSet(wall: wall, steady: steady) == isSet)
        pass(5)
        #expect(!watch.isSet(wall: wall, steady: steady))
    }
}
