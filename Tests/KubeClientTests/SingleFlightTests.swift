// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Synchronization
import Testing

@testable import KubeClient

private final class Counter: Sendable {
    private let value = Mutex(0)

    func increment() -> Int {
        value.withLock { value in
            value += 1
            return value
        }
    }
}

struct SingleFlightTests {
    @Test func oneWorksForAll() async throws {
        let flight = SingleFlight<Int>()
        let runs = Counter()
        let results = try await withThrowingTaskGroup(of: Int.self) { group in
            for _ in 0..<50 {
                group.addTask {
                    try await flight.run {
                        try await Task.sleep(for: .milliseconds(20))
                        return runs.increment()
                    }
                }
            }
            return try await group.reduce(into: []) { $0.append($1) }
        }
        #expect(results.count == 50)
        #expect(results.max() ?? 50 < 50)
    }

    @Test func theNextTakesOverFromOneThatIsCancelled() async throws {
        let flight = SingleFlight<String>()
        let (began, signal) = AsyncStream.makeStream(of: Void.self)
        try await withThrowingTaskGroup(of: String.self) { group in
            let first = Task {
                try await flight.run {
                    signal.finish()
                    try await Task.sleep(for: .seconds(3600))
                    return "first"
                }
            }
            for await _ in began {}
            for _ in 0..<5 { group.addTask { try await flight.run { "next" } } }
            first.cancel()
            for try await result in group { #expect(result == "next") }
            await #expect(throws: CancellationError.self) { try await first.value }
        }
    }

    @Test func aFailureIsEverybodys() async throws {
        struct Failure: Error {}
        let flight = SingleFlight<Int>()
        await #expect(throws: Failure.self) { try await flight.run { throw Failure() } }
        #expect(try await flight.run { 1 } == 1)
    }
}
