// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// A clock that goes on only when a test says so.
final class ManualClock: Clock, Sendable {
    struct Instant: InstantProtocol {
        var time: Duration
        func advanced(by duration: Duration) -> Instant { Instant(time: time + duration) }
        func duration(to other: Instant) -> Duration { other.time - time }
        static func < (left: Instant, right: Instant) -> Bool { left.time < right.time }
    }

    private struct State {
        var now = Duration.zero
        var lastID = 0
        var sleepers: [Int: (time: Duration, continuation: CheckedContinuation<Void, any Error>)] = [:]
        var watchers: [(time: Duration, continuation: CheckedContinuation<Void, Never>)] = []
    }

    private let state = Mutex(State())

    var now: Instant { Instant(time: state.withLock(\.now)) }
    var minimumResolution: Duration { .nanoseconds(1) }

    /// How many tasks sleep.
    var sleepers: Int { state.withLock(\.sleepers.count) }

    func sleep(until deadline: Instant, tolerance: Duration?) async throws {
        let id = state.withLock { state in
            state.lastID += 1
            return state.lastID
        }
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Void, any Error>) in
                let (result, watchers) = state.withLock {
                    state -> (Result<Void, any Error>?, [CheckedContinuation<Void, Never>]) in
                    if Task.isCancelled { return (.failure(CancellationError()), []) }
                    if deadline.time <= state.now { return (.success(()), []) }
                    state.sleepers[id] = (deadline.time, continuation)
                    let due = state.watchers.filter { $0.time == deadline.time }
                    state.watchers.removeAll { $0.time == deadline.time }
                    return (nil, due.map(\.continuation))
                }
                for watcher in watchers { watcher.resume() }
                if let result { continuation.resume(with: result) }
            }
        } onCancel: {
            state.withLock { $0.sleepers.removeValue(forKey: id) }?.continuation.resume(throwing: CancellationError())
        }
    }

    /// Lets time pass.
    func advance(by duration: Duration) {
        let due = state.withLock { state in
            state.now += duration
            let due = state.sleepers.filter { $0.value.time <= state.now }
            for id in due.keys { state.sleepers[id] = nil }
            return due.values.sorted { $0.time < $1.time }.map(\.continuation)
        }
        for continuation in due { continuation.resume() }
    }

    /// Returns when a task sleeps until a time.
    func waitForSleep(until time: Duration) async {
        await withCheckedContinuation { continuation in
            let isThere = state.withLock { state in
                if state.sleepers.values.contains(where: { $0.time == time }) { return true }
                state.watchers.append((time, continuation))
                return false
            }
            if isThere { continuation.resume() }
        }
    }
}
