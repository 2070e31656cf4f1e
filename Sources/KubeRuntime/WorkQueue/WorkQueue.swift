// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

public import Metrics

/// Keys of what is to be looked at, each at most once however often it is added, and never by two at a time.
///
/// These are the semantics of client-go's work queues: a key that is added while it is worked on is given out again, after
/// ``done(_:)``. First come, first served. Adding never waits, and the queue is never longer than there are keys.
///
/// Delays only pass while ``run()`` runs.
public final class WorkQueue<Key: Hashable & Sendable>: Sendable {
    private let monitor = Monitor(WorkQueueState<Key>())
    private let backoff: Backoff
    private let timeline: Timeline
    private let measures: WorkQueueMetrics

    /// Creates an empty queue.
    ///
    /// - Parameters:
    ///   - name: what it is called in metrics.
    ///   - backoff: the pauses after failures.
    ///   - metrics: where measurements go; `nil` for the process's own system.
    public init(
        name: String,
        backoff: Backoff = .items,
        clock: any Clock<Duration> = .continuous,
        metrics: (any MetricsFactory)? = nil
    ) {
        self.backoff = backoff
        timeline = Timeline(clock)
        measures = WorkQueueMetrics(name: name, factory: metrics ?? MetricsSystem.factory)
    }

    /// How many keys wait to be worked on now.
    public var depth: Int { monitor.read(\.depth) }

    /// How many keys wait for their time.
    public var delayedCount: Int { monitor.read(\.delayedCount) }

    // MARK: Adding

    /// Adds a key, if it does not wait already.
    public func add(_ key: Key) {
        let (isAdded, depth) = monitor.change { ($0.add(key, at: timeline.now), $0.depth) }
        if isAdded { measures.added(1, depth: depth) }
    }

    /// Adds a key after a while. Of several times of one key the earliest counts.
    public func add(_ key: Key, after delay: Duration) {
        guard delay > .zero else { return add(key) }
        monitor.change { state in
            let now = timeline.now
            state.add(key, due: now + delay, at: now)
        }
    }

    /// Adds a key after a pause that grows with each failure in a row.
    public func addAfterFailure(_ key: Key) {
        measures.retried()
        monitor.change { state in
            let now = timeline.now
            let delay = backoff.delay(after: state.failed(key))
            state.add(key, due: now + delay, at: now)
        }
    }

    /// Working on a key went well: the next failure is the first one again.
    public func forget(_ key: Key) { monitor.change { $0.forget(key) } }

    /// How many times in a row working on a key has failed.
    public func failureCount(of key: Key) -> Int { monitor.read { $0.failureCount(of: key) } }

    // MARK: Working

    /// The key that has waited longest. Who gets it calls ``done(_:)`` when the work is done, however it went.
    ///
    /// - Returns: `nil` when the queue was shut down or the task is cancelled.
    public func next() async -> Key? {
        let taken = await monitor.first { [timeline] state -> (key: Key?, waited: Duration, depth: Int)? in
            if state.isShutDown { return (nil, .zero, 0) }
            return state.next(at: timeline.now).map { ($0.key, $0.waited, state.depth) }
        }
        guard let taken, let key = taken.key else { return nil }
        measures.taken(after: taken.waited, depth: taken.depth)
        return key
    }

    /// A key is not worked on any more.
    public func done(_ key: Key) {
        let (duration, depth) = monitor.change { ($0.done(key, at: timeline.now), $0.depth) }
        if let duration { measures.done(after: duration, depth: depth) }
    }

    /// Forgets all keys that wait, takes none in, and gives none out any more. What is worked on goes on.
    public func shutDown() { monitor.change { $0.shutDown() } }

    /// Lets delays pass, until the queue is shut down or the task is cancelled.
    public func run() async {
        while !Task.isCancelled {
            let (due, isShutDown, released, depth) = monitor.change { state in
                let released = state.release(at: timeline.now)
                return (state.nextDue(), state.isShutDown, released, state.depth)
            }
            if released > 0 { measures.added(released, depth: depth) }
            if isShutDown { return }
            await withTaskGroup(of: Void.self) { group in
                group.addTask { [monitor] in
                    // Something is due earlier, or nothing ever.
                    _ = await monitor.first { $0.isShutDown || $0.nextDue() != due ? true : nil }
                }
                if let due {
                    group.addTask { [timeline] in try? await timeline.sleep(until: due) }
                }
                await group.next()
                group.cancelAll()
            }
        }
    }
}
