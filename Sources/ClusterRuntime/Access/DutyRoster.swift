// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Synchronization

import struct Foundation.Date

/// When something is to be done with which sandbox.
final class DutyRoster: Sendable {
    private struct State {
        var dates: [String: Date] = [:]
        var watchers: [UInt64: AsyncStream<Void>.Continuation] = [:]
        var lastWatcher: UInt64 = 0
    }

    private let state = Mutex(State())

    /// Tells from now on that the next date may be another one. Each wait needs one of its own: a stream ends for good when
    /// somebody who reads it is cancelled.
    func changes() -> AsyncStream<Void> {
        AsyncStream(bufferingPolicy: .bufferingNewest(1)) { continuation in
            let watcher = state.withLock { state in
                state.lastWatcher += 1
                state.watchers[state.lastWatcher] = continuation
                return state.lastWatcher
            }
            continuation.onTermination = { [weak self] _ in
                self?.state.withLock { $0.watchers[watcher] = nil }
            }
        }
    }

    /// Sets when something is to be done with a sandbox, if ever.
    func set(_ id: String, _ date: Date?) {
        let watchers = state.withLock { state in
            guard state.dates[id] != date else { return [AsyncStream<Void>.Continuation]() }
            state.dates[id] = date
            return Array(state.watchers.values)
        }
        for watcher in watchers { watcher.yield() }
    }

    /// The next date; nil if there is none.
    var next: Date? { state.withLock { $0.dates.values.min() } }

    /// The sandboxes whose time has come, which are taken off.
    func due(_ now: Date) -> [String] {
        state.withLock { state in
            let due = state.dates.filter { $0.value <= now }.map(\.key).sorted()
            for id in due { state.dates[id] = nil }
            return due
        }
    }
}
