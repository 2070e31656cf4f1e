// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import LocalRuntime

/// How often something that fails is tried again.
@Suite("Backoff")
struct BackoffTests {
    @Test("waits twice as long each time up to its limit, is news once, and begins anew after a success")
    func waits() {
        var backoff = Backoff(from: .seconds(1), to: .seconds(10))
        var waits: [Duration] = []
        var news: [Bool] = []
        for _ in 0..<6 {
            waits.append(backoff.fail())
            news.append(backoff.isNews)
        }
        #expect(waits == [1, 2, 4, 8, 10, 10].map { .seconds($0) })
        #expect(news == [true, false, false, false, false, false])
        for _ in 0..<1000 { #expect(backoff.fail() == .seconds(10)) }
        backoff.succeed()
        #expect(backoff.fail() == .seconds(1))
        #expect(backoff.isNews)
    }
}
