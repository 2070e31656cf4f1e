// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import Server

@Suite struct AccessThrottleTests {
    @Test func admitsOneInAnInterval() {
        var throttle = AccessThrottle<String>(interval: .seconds(1))
        let start = ContinuousClock.now
        var admitted: [Int] = []
        for step in 0...35 where throttle.admits("a", at: start + .milliseconds(100 * step)) { admitted.append(step) }
        #expect(admitted == [0, 10, 20, 30])
        let other = throttle.admits("b", at: start + .milliseconds(3500))
        #expect(other)
    }

    @Test func remembersNoMoreThanItHasTo() {
        var throttle = AccessThrottle<Int>(interval: .seconds(1))
        let start = ContinuousClock.now
        let refused = (0..<20_000).filter { !throttle.admits($0, at: start + .milliseconds($0)) }
        #expect(refused.isEmpty)
        // Those of the last second, and as many again before they are looked through.
        #expect(throttle.count <= 3000)
        var crowd = AccessThrottle<Int>(interval: .seconds(1))
        let first = (0..<5000).count { crowd.admits($0, at: start) }
        let second = (0..<5000).count { crowd.admits($0, at: start + .milliseconds(999)) }
        #expect(first == 5000 && second == 0)
    }
}
