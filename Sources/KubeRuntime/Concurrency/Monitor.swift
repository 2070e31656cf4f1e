// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// State behind a lock, and tasks that wait until there is something in it for them.
///
/// Each change wakes all who wait, and each looks again. So no change is missed, and nobody depends on another's waking up.
final class Monitor<State: Sendable>: Sendable {
    private struct Inner {
        var state: State
        var waiters: [UInt64: @Sendable () -> Void] = [:]
        var lastWaiter: UInt64 = 0
    }

    private let inner: Mutex<Inner>

    init(_ state: State) { inner = Mutex(Inner(state: state)) }

    /// Looks at the state.
    func read<Result: Sendable>(_ body: (State) -> Result) -> Result {
        inner.withLock { body($0.state) }
    }

    /// Changes the state.
    @discardableResult
    func change<Result: Sendable>(_ body: (inout State) -> Result) -> Result {
        let (result, waiters) = inner.withLock { inner in
            let result = body(&inner.state)
            defer { inner.waiters.removeAll(keepingCapacity: true) }
            return (result, inner.waiters)
        }
        for (_, wake) in waiters { wake() }
        return result
    }

    /// Takes something out of the state, as soon as there is something.
    ///
    /// - Parameter take: gives `nil` if there is nothing for it yet; then it must not have changed anything. What it changes
    ///   otherwise is for itself: nobody else is woken up.
    /// - Returns: `nil` if the task was cancelled.
    func first<Result: Sendable>(_ take: @escaping @Sendable (inout State) -> Result?) async -> Result? {
        while !Task.isCancelled {
            let id = inner.withLock { inner in
                inner.lastWaiter += 1
                return inner.lastWaiter
            }
            let result = await withTaskCancellationHandler {
                await withCheckedContinuation { (continuation: CheckedContinuation<Result?, Never>) in
                    let (result, isWaiting) = inner.withLock { inner -> (Result?, Bool) in
                        if let result = take(&inner.state) { return (result, false) }
                        // Whoever cancels this task from now on finds it among those who wait.
                        if Task.isCancelled { return (nil, false) }
                        inner.waiters[id] = { continuation.resume(returning: nil) }
                        return (nil, true)
                    }
                    if !isWaiting { continuation.resume(returning: result) }
                }
            } onCancel: {
                inner.withLock { $0.waiters.removeValue(forKey: id) }?()
            }
            if let result { return result }
        }
        return nil
    }
}
