// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// Locks by name, for work that must not be done twice at a time. Whoever waits gets its turn in order, and stops
/// waiting when it is cancelled.
final class KeyedLocks: Sendable {
    private struct Waiter {
        var number: UInt64
        var continuation: CheckedContinuation<Void, any Error>
    }

    private struct State {
        /// The names that are locked, each with those who wait for it.
        var held: [String: [Waiter]] = [:]
        var nextNumber: UInt64 = 0
    }

    private let state = Mutex(State())

    /// Runs `body` while nobody else runs under the same name.
    ///
    /// - Throws: `CancellationError` if the task is cancelled before its turn; what `body` throws.
    func withLock<Result: Sendable>(
        _ name: String,
        isolation: isolated (any Actor)? = #isolation,
        _ body: () async throws -> Result
    ) async throws -> Result {
        try await lock(name)
        defer { unlock(name) }
        return try await body()
    }

    private func lock(_ name: String) async throws {
        let number = state.withLock { state in
            state.nextNumber += 1
            return state.nextNumber
        }
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Void, any Error>) in
                let outcome: Result<Void, any Error>? = state.withLock { state in
                    // A cancellation from now on waits for this lock and then finds the waiter.
                    if Task.isCancelled { return .failure(CancellationError()) }
                    if state.held[name] == nil {
                        state.held[name] = []
                        return .success(())
                    }
                    state.held[name]?.append(Waiter(number: number, continuation: continuation))
                    return nil
                }
                if let outcome { continuation.resume(with: outcome) }
            }
        } onCancel: {
            let waiter = state.withLock { state -> Waiter? in
                guard let index = state.held[name]?.firstIndex(where: { $0.number == number }) else { return nil }
                return state.held[name]?.remove(at: index)
            }
            waiter?.continuation.resume(throwing: CancellationError())
        }
    }

    private func unlock(_ name: String) {
        let next = state.withLock { state -> Waiter? in
            guard let waiters = state.held[name], !waiters.isEmpty else {
                state.held[name] = nil
                return nil
            }
            return state.held[name]?.removeFirst()
        }
        next?.continuation.resume()
    }
}
