// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

public import KubeModels
public import Logging
public import Metrics
public import ServiceLifecycle

/// Makes what is come to what shall be, one key at a time.
///
/// Watches say which keys to look at; workers take them from the queue and reconcile them. What a reconciliation is told is
/// only the key: it looks itself at how things are, and can be called at any time and any number of times. It is never called
/// twice at a time for one key. When it throws, it is called again after a pause that grows.
///
/// ```swift
/// let controller = Controller(name: "widgets", workers: 4, logger: logger) { (key: ObjectKey) in
///     guard let widget = widgets.store[key] else { return .done }
///     ...
///     return .requeue(after: .seconds(60))
/// }
/// .watching(widgets)
/// .watchingOwned(jobs, by: Widget.self)
/// ```
public struct Controller<Key: Hashable & Sendable>: ServiceLifecycle.Service {
    /// The keys to look at. Others may add to it, too.
    public let queue: WorkQueue<Key>
    private let name: String
    private let workers: Int
    private let timeLimit: Duration?
    private let timeline: Timeline
    private let logger: Logger
    private let measures: ControllerMetrics
    private let reconcile: @Sendable (Key) async throws -> Reconciliation
    private var watches: [Watch] = []

    private struct Watch: Sendable {
        let wait: @Sendable () async throws -> Void
        let listen: @Sendable (WorkQueue<Key>) async -> Void
    }

    /// Creates a controller that watches nothing yet.
    ///
    /// - Parameters:
    ///   - name: what it is called in logs and metrics.
    ///   - workers: how many keys are reconciled at a time.
    ///   - backoff: the pauses after failures.
    ///   - timeLimit: after what time a reconciliation is cancelled, which counts as a failure; `nil` for never.
    ///   - metrics: where measurements go; `nil` for the process's own system.
    ///   - reconcile: looks at a key.
    public init(
        name: String,
        workers: Int = 1,
        backoff: Backoff = .items,
        timeLimit: Duration? = nil,
        clock: any Clock<Duration> = .continuous,
        metrics: (any MetricsFactory)? = nil,
        logger: Logger,
        reconcile: @escaping @Sendable (Key) async throws -> Reconciliation
    ) {
        precondition(workers > 0, "a controller without workers does nothing")
        let metrics = metrics ?? MetricsSystem.factory
        queue = WorkQueue(name: name, backoff: backoff, clock: clock, metrics: metrics)
        measures = ControllerMetrics(name: name, factory: metrics)
        timeline = Timeline(clock)
        self.name = name
        self.workers = workers
        self.timeLimit = timeLimit
        self.logger = logger
        self.reconcile = reconcile
    }

    // MARK: Watches

    /// Looks at keys when objects change.
    ///
    /// - Parameter keys: which, for a change. It is called for each change, in order, and must not take long.
    public func watching<Object>(
        _ informer: Informer<Object>,
        keys: @escaping @Sendable (Change<Object>) -> [Key]
    ) -> Controller {
        var controller = self
        controller.watches.append(
            Watch {
                try await informer.waitUntilSynced()
            } listen: { queue in
                for await change in informer.changes {
                    for key in keys(change) { queue.add(key) }
                }
            }
        )
        return controller
    }

    /// Works until it is cancelled, ``stop()`` is called, or its service is told to shut down, which comes to the same. Its informers must run meanwhile; it begins when they have seen
    /// everything once.
    ///
    /// - Throws: `CancellationError`, when what it was doing has ended.
    public func run() async throws {
        try await withGracefulShutdownHandler {
            try await workUntilStopped()
        } onGracefulShutdown: {
            stop()
        }
    }

    private func workUntilStopped() async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            for watch in watches {
                group.addTask { await watch.listen(queue) }
            }
            group.addTask { await queue.run() }
            group.addTask {
                for watch in watches { try await watch.wait() }
            }
            // Everything else goes on for ever, so the first to end is the wait for the informers, or a stop.
            try await group.next()
            try Task.checkCancellation()
            await withTaskGroup(of: Void.self) { crew in
                for _ in 0..<workers { crew.addTask { await work() } }
            }
            group.cancelAll()
        }
        try Task.checkCancellation()
    }

    /// Takes no more keys up; ``run()`` returns when those that are worked on are done. A controller that was stopped does not
    /// start again.
    public func stop() { queue.shutDown() }

    // MARK: Working

    private func work() async {
        while let key = await queue.next() {
            await look(at: key)
            queue.done(key)
        }
    }

    private func look(at key: Key) async {
        let start = timeline.now
        let outcome: Result<Reconciliation, any Error>
        do {
            outcome = .success(try await limited(key))
        } catch {
            outcome = .failure(error)
        }
        let duration = timeline.now - start
        switch outcome {
        case .success(.done):
            measures.reconciled(.success, in: duration)
            queue.forget(key)
        case .success(.requeue(let delay)):
            measures.reconciled(.requeue, in: duration)
            queue.forget(key)
            queue.add(key, after: delay)
        case .failure(let error) where error is TerminalError:
            measures.reconciled(.terminal, in: duration)
            queue.forget(key)
            log(.error, "a reconciliation failed for good", key, error)
        case .failure where Task.isCancelled:
            // It was told to stop, which is no failure of its own.
            measures.reconciled(.cancelled, in: duration)
        case .failure(let error):
            measures.reconciled(.error, in: duration)
            queue.addAfterFailure(key)
            log(.warning, "a reconciliation failed and will be tried again", key, error)
        }
    }

    private func limited(_ key: Key) async throws -> Reconciliation {
        guard let timeLimit else { return try await reconcile(key) }
        let limit = timeline.now + timeLimit
        let result = try await timeline.run(until: limit) { [reconcile] in try await reconcile(key) }
        guard let result else { throw ReconciliationTimeout(limit: timeLimit) }
        return result
    }

    private func log(_ level: Logger.Level, _ message: Logger.Message, _ key: Key, _ error: any Error) {
        let failures = queue.failureCount(of: key)
        logger.log(
            level: level,
            message,
            metadata: ["controller": "\(name)", "key": "\(key)", "failures": "\(failures)", "error": "\(error)"]
        )
    }
}

extension Controller<ObjectKey> {
    /// Looks at objects when they change.
    public func watching<Object>(_ informer: Informer<Object>) -> Controller {
        watching(informer) { [$0.key] }
    }

    /// Looks at the objects of a type when what they own and control changes.
    public func watchingOwned<Object, Owner: KubeResource>(
        _ informer: Informer<Object>,
        by type: Owner.Type
    ) -> Controller {
        watching(informer) { change in
            // The owner may have changed.
            var keys: [ObjectKey] = []
            if case .updated(let old, _) = change, let key = old.controller(type) { keys.append(key) }
            if let key = change.object.controller(type), !keys.contains(key) { keys.append(key) }
            return keys
        }
    }
}

/// A reconciliation took too long.
private struct ReconciliationTimeout: Error, CustomStringConvertible {
    let limit: Duration

    var description: String { "it took longer than \(limit) and was cancelled" }
}
