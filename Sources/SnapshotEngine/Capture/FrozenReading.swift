// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// Which containers of a capture have been read, while the layers of some are still on their way to the target.
///
/// A layer that the target loses has to be read again. That is possible until the freeze has been given up, and who gives
/// it up and who reads again may be two: here one of them is first.
final class FrozenReading: Sendable {
    private struct State {
        var unread: Set<Int>
        var isGivenUp = false
    }

    /// Whether the freeze is given up as soon as everything has been read.
    private let endsFreeze: Bool
    private let state: Mutex<State>

    /// - Parameters:
    ///   - count: How many containers there are.
    ///   - endsFreeze: Whether the freeze is given up as soon as all of them have been read.
    init(of count: Int, endsFreeze: Bool) {
        self.endsFreeze = endsFreeze
        state = Mutex(State(unread: Set(0..<count)))
    }

    /// Notes that a container has been read.
    ///
    /// - Returns: Whether all have been: then the freeze is given up if it is to be.
    func finish(_ index: Int) -> Bool {
        state.withLock { state in
            state.unread.remove(index)
            state.isGivenUp = endsFreeze && state.unread.isEmpty
            return state.unread.isEmpty
        }
    }

    /// Notes that a container has to be read again.
    ///
    /// - Returns: Whether it can be: whether the freeze has not been given up.
    func begin(_ index: Int) -> Bool {
        state.withLock { state in
            guard !state.isGivenUp else { return false }
            state.unread.insert(index)
            return true
        }
    }
}
