// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// Lets one request after the other in that have the same key.
final class KeyedTurns: Sendable {
    private typealias Gate = AsyncStream<Void>

    /// Those who wait for each key that somebody has.
    private let waiting = Mutex<[String: [Gate.Continuation]]>([:])

    /// Runs something while nobody else of the same key does.
    ///
    /// - Throws: `CancellationError`; what it throws.
    func run<Result: Sendable>(_ key: String, _ body: () async throws -> Result) async throws -> Result {
        while let gate = enter(key) {
            for await _ in gate {}
            try Task.checkCancellation()
        }
        defer { leave(key) }
        return try await body()
    }

    /// Takes the turn; nil if that was possible, else what ends when it may be tried again.
    private func enter(_ key: String) -> Gate? {
        waiting.withLock { waiting in
            guard waiting[key] != nil else {
                waiting[key] = []
                return nil
            }
            let (gate, continuation) = Gate.makeStream()
            waiting[key]?.append(continuation)
            return gate
        }
    }

    private func leave(_ key: String) {
        for continuation in waiting.withLock({ $0.removeValue(forKey: key) }) ?? [] { continuation.finish() }
    }
}
