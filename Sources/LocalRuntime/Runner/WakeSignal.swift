// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// Tells one waiting task that there is something to look at. Signals that arrive while nobody waits, or several
/// before the next wait, are one signal: what counts is that a look is due, not how often it was asked for.
final class WakeSignal: Sendable {
    private enum State {
        case idle
        case pending
        case waiting(id: UInt64, CheckedContinuation<Void, Never>)
    }

    private struct Box {
        var state = State.idle
        var nextID: UInt64 = 0
    }

    private let box = Mutex(Box())

    /// Wakes the waiting task, or the next one that comes to wait.
    func signal() {
        let waiter: CheckedContinuation<Void, Never>? = box.withLock { box in
            guard case .waiting(_, let continuation) = box.state else {
                box.state = .pending
                return nil
            }
            box.state = .idle
            return continuation
        }
        waiter?.resume()
    }

    /// Returns at the next signal, at `deadline`, or when the task is cancelled. A cancelled or timed-out wait takes no
    /// signal with it. Only one task may wait at a time; a second one ends the first one's wait.
    func wait(until deadline: ContinuousClock.Instant? = nil) async {
        guard let deadline else { return await waitForSignal() }
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await self.waitForSignal() }
            group.addTask { try? await Task.sleep(until: deadline, clock: .continuous) }
            await group.next()
            group.cancelAll()
        }
    }

    private func waitForSignal() async {
        let id = box.withLock { box in
            box.nextID += 1
            return box.nextID
        }
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let resumed: [CheckedContinuation<Void, Never>] = box.withLock { box in
                    switch box.state {
                    case .pending:
                        box.state = .idle
                        return [continuation]
                    case .idle where Task.isCancelled:
                        return [continuation]
                    case .idle:
                        box.state = .waiting(id: id, continuation)
                        return []
                    case .waiting(_, let earlier):
                        box.state = .waiting(id: id, continuation)
                        return [earlier]
                    }
                }
                for continuation in resumed { continuation.resume() }
            }
        } onCancel: {
            let waiter: CheckedContinuation<Void, Never>? = box.withLock { box in
                guard case .waiting(id, let continuation) = box.state else { return nil }
                box.state = .idle
                return continuation
            }
            waiter?.resume()
        }
    }
}
