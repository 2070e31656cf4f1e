// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

private import Synchronization

/// Counts how often all replicas of a record are gone through. A decision does that some times, but not once for each of them: with
/// a thousand it would take seconds. Tests see to that; nobody else counts.
enum PassCount {
    @TaskLocal private static var counter: Counter?

    /// All are gone through once more.
    static func add() { counter?.passes.add(1, ordering: .relaxed) }

    /// How often it happens in an operation.
    static func of(_ operation: () -> Void) -> Int {
        let counter = Counter()
        $counter.withValue(counter, operation: operation)
        return counter.passes.load(ordering: .relaxed)
    }

    private final class Counter: Sendable {
        let passes = Atomic(0)
    }
}
