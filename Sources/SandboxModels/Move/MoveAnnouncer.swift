// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// Tells those who carry moves out which sandboxes have one that is open.
public final class MoveAnnouncer: Sendable {
    private struct State {
        var open: Set<String> = []
        var listeners: [Int: AsyncStream<String>.Continuation] = [:]
        var lastListener = 0
    }

    private let state = Mutex(State())

    /// Creates one that knows of none.
    public init() {}

    /// Takes note of a sandbox's move.
    public func note(_ id: String, _ move: Move?) {
        let listeners = state.withLock { state -> [AsyncStream<String>.Continuation] in
            guard move?.isOpen == true else {
                state.open.remove(id)
                return []
            }
            return state.open.insert(id).inserted ? Array(state.listeners.values) : []
        }
        for listener in listeners { listener.yield(id) }
    }

    /// Those that are open now, and then each that is opened.
    public func openings() -> AsyncStream<String> {
        AsyncStream { continuation in
            let (listener, open) = state.withLock { state in
                state.lastListener += 1
                state.listeners[state.lastListener] = continuation
                return (state.lastListener, state.open)
            }
            for id in open.sorted() { continuation.yield(id) }
            continuation.onTermination = { [weak self] _ in
                _ = self?.state.withLock { $0.listeners.removeValue(forKey: listener) }
            }
        }
    }
}
