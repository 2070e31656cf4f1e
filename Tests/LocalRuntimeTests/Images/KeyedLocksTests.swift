// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Synchronization
import TestSupport
import Testing

@testable import LocalRuntime

@Suite("Locks by name")
struct KeyedLocksTests {
    @Test("one at a time for each name, all of them in the end")
    func exclusive() async throws {
        let locks = KeyedLocks()
        let counters = Counters()
        try await withThrowingTaskGroup(of: Void.self) { group in
            for number in 0..<300 {
                group.addTask {
                    try await locks.withLock("\(number % 3)") {
                        #expect(counters.enter(number % 3) == 1)
                        await Task.yield()
                        counters.leave(number % 3)
                    }
                }
            }
            try await group.waitForAll()
        }
        #expect(counters.entries == 300)
    }

    /// How many are inside of each of three locks, and how many have been.
    private final class Counters: Sendable {
        private let state = Mutex((inside: [0, 0, 0], entries: 0))

        func enter(_ lock: Int) -> Int {
            state.withLock { state in
                state.entries += 1
                state.inside[lock] += 1
                return state.inside[lock]
            }
        }

        func leave(_ lock: Int) {
            state.withLock { $0.inside[lock] -= 1 }
        }

        var entries: Int { state.withLock { $0.entries } }
    }

    @Test("a failure and a cancellation let the next one in")
    func failures() async throws {
        struct Failure: Error {}
        let locks = KeyedLocks()
        await #expect(throws: Failure.self) { try await locks.withLock("a") { throw Failure() } }
        try await locks.withLock("a") {
            let waiting = Task { try await locks.withLock("a") { Issue.record("it was cancelled") } }
            let next = Task { try await locks.withLock("b") { true } }
            let isFree = try await next.value
            #expect(isFree, "another name is free")
            waiting.cancel()
            await #expect(throws: CancellationError.self) { try await waiting.value }
        }
        try await locks.withLock("a") {}
    }

    @Test("whoever waits is let in when the holder leaves, and cancelling all waiters loses no lock")
    func storm() async throws {
        let locks = KeyedLocks()
        var random = SeededRandom(5)
        for _ in 0..<200 {
            let tasks = (0..<4).map { _ in Task { try await locks.withLock("x") { await Task.yield() } } }
            for task in tasks where Bool.random(using: &random) { task.cancel() }
            for task in tasks { _ = await task.result }
            try await locks.withLock("x") {}
        }
    }
}
