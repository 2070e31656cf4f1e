// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import OCIRegistry
import Synchronization
import TestSupport

/// What is to be done in a run of many pushes and pulls, and what has become of it.
final class StormLedger: Sendable {
    struct Operation: Sendable {
        let number: Int
        let isPush: Bool
        let tag: String
    }

    struct Tally: Sendable {
        var succeeded: [String: Int] = [:]
        var failures: [any Error] = []
        var failed: [String: Int] = [:]

        var summary: String {
            "succeeded \(StormLedger.counts(succeeded)); failed \(StormLedger.counts(failed))"
        }
    }

    private struct State {
        var open: [Operation]
        var tally = Tally()
        var expected: Set<Digest> = []
    }

    private let state: Mutex<State>

    /// Draws the run: every second operation is a push, each to one of a dozen tags.
    init(seed: UInt64, operations: Int) {
        var generator = SeededGenerator(seed: seed)
        let all = (0..<operations).map { number in
            Operation(number: number, isPush: number % 2 == 0, tag: "t\(Int.random(in: 0..<12, using: &generator))")
        }
        state = Mutex(State(open: all.reversed()))
    }

    var tally: Tally { state.withLock { $0.tally } }

    /// The next thing to do; `nil` when all is done.
    func next() -> Operation? { state.withLock { $0.open.popLast() } }

    /// Somebody is going to push an image.
    func expect(_ digest: Digest) { _ = state.withLock { $0.expected.insert(digest) } }

    /// Whether anybody has tried to push an image.
    func isExpected(_ digest: Digest) -> Bool { state.withLock { $0.expected.contains(digest) } }

    /// Runs something and notes what became of it.
    func note(_ name: String, _ body: () async throws -> Void) async {
        do {
            try await body()
            state.withLock { $0.tally.succeeded[name, default: 0] += 1 }
        } catch {
            let kind = (error as? RegistryError).map { "\($0.kind)" } ?? "\(type(of: error))"
            state.withLock {
                $0.tally.failures.append(error)
                $0.tally.failed["\(name) \(kind)", default: 0] += 1
            }
        }
    }

    static func counts(_ counts: [String: Int]) -> String {
        let parts = counts.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)" }
        return parts.isEmpty ? "none" : parts.joined(separator: ", ")
    }

    static func counts(_ faults: [Fault: Int]) -> String {
        counts(Dictionary(uniqueKeysWithValues: faults.map { ($0.key.rawValue, $0.value) }))
    }
}
