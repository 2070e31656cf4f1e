// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// Lets one task do what several need at the same time, and the others wait for its result. If its task is cancelled, the
/// next one takes over.
final class SingleFlight<Value: Sendable>: Sendable {
    private enum Baton: Sendable {
        case result(Result<Value, any Error>)
        case yourTurn
        case cancelled
    }

    private struct State {
        var isRunning = false
        var waiters: [(id: Int, continuation: CheckedContinuation<Baton, Never>)] = []
        var lastID = 0
    }

    private let state = Mutex(State())

    /// Runs `body`, or waits for another task that does.
    func run(_ body: () async throws -> Value) async throws -> Value {
        switch await join() {
        case .result(let result): return try result.get()
        case .cancelled: throw CancellationError()
        case .yourTurn: break
        }
        do {
            let value = try await body()
            finish(.success(value))
            return value
        } catch {
            if Task.isCancelled { handOver() } else { finish(.failure(error)) }
            throw error
        }
    }

    private func join() async -> Baton {
        let id = state.withLock { state in
            state.lastID += 1
            return state.lastID
        }
        return await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let baton: Baton? = state.withLock { state in
                    // Under the lock that `onCancel` takes as well, so that no cancellation is missed.
                    if Task.isCancelled { return .cancelled }
                    guard state.isRunning else {
                        state.isRunning = true
                        return .yourTurn
                    }
                    state.waiters.append((id, continuation))
                    return nil
                }
                if let baton { continuation.resume(returning: baton) }
            }
        } onCancel: {
            let waiter = state.withLock { state -> CheckedContinuation<Baton, Never>? in
                guard let place = state.waiters.firstIndex(where: { $0.id == id }) else { return nil }
                return state.waiters.remove(at: place).continuation
            }
            waiter?.resume(returning: .cancelled)
        }
    }

    private func finish(_ result: Result<Value, any Error>) {
        let waiters = state.withLock { state in
            state.isRunning = false
            defer { state.waiters = [] }
            return state.waiters
        }
        for waiter in waiters { waiter.continuation.resume(returning: .result(result)) }
    }

    private func handOver() {
        let next = state.withLock { state -> CheckedContinuation<Baton, Never>? in
            if state.waiters.isEmpty {
                state.isRunning = false
                return nil
            }
            return state.waiters.removeFirst().continuation
        }
        next?.resume(returning: .yourTurn)
    }
}
