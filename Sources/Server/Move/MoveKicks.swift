// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// Tells whoever carries a move out that somebody has changed it.
final class MoveKicks: Sendable {
    private struct State {
        /// Nobody has waited since the last kick.
        var isPending = false
        var listener: AsyncStream<Void>.Continuation?
    }

    private let state = Mutex(State())

    /// Wakes who waits, or the next one who does.
    func kick() {
        state.withLock { state in
            state.isPending = state.listener == nil
            state.listener?.finish()
            state.listener = nil
        }
    }

    /// Returns at the next kick, or when the task is cancelled. Only one may wait at a time.
    func wait() async {
        let kick = AsyncStream<Void> { continuation in
            state.withLock { state in
                if state.isPending {
                    state.isPending = false
                    continuation.finish()
                } else {
                    state.listener = continuation
                }
            }
        }
        for await _ in kick {}
        state.withLock { $0.listener = nil }
    }
}
