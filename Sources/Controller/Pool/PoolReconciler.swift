// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import KubeClient
import KubeModels
import KubeRuntime
import Logging
import SandboxModels

import struct Foundation.Date

/// Keeps pods ready, gives them to sandboxes and takes them back.
///
/// What a sandbox has stands in its own annotations, what it is promised in one of the Pool's (`PoolLedger`). Whatever is written
/// counts only if nobody has written the object since it was read. So a controller that does not know that it leads no more can
/// give nothing away, and one that ends between two writes leaves nothing behind that the next one would not find.
struct PoolReconciler: Sendable {
    let pools: Informer<Pool>
    let pods: Informer<Pod>
    let sandboxes: Informer<BatchSandbox>
    let client: KubeClient
    let recorder: EventRecorder
    let shortages: PoolShortages
    let restarts: RestartRecycling
    let evictionHandlers: [String: any EvictionHandler]
    let settings: PoolSettings
    let metrics: PoolMetrics
    let logger: Logger
    /// The word by which this controller takes pools over: no other one has it, nor this one after a restart.
    let holder: String
    /// Has a sandbox looked at.
    let look: @Sendable (ObjectKey) -> Void
    let memory = PoolMemory()
    /// Creations and deletions of pods that the cache does not show yet.
    let expectations: Expectations<ObjectKey>
    var now: @Sendable () -> Date = { Date() }

    /// Brings one pool nearer to what is wanted of it.
    ///
    /// - Throws: What the API server did not do; the pool is looked at again later.
    func reconcile(_ key: ObjectKey) async throws -> Reconciliation {
        guard let cached = pools.store[key], cached.metadata.deletionTimestamp == nil else {
            metrics.report(key, nil)
            return try await leave(key)
        }
        var entry = memory[key]
        defer { memory[key] = entry }
        var pool = newest(cached, entry.pool)
        if pool.metadata.uid != entry.pool?.metadata.uid { entry = PoolMemory.Entry() }
        if let problem = unreadable(in: key) {
            recorder.record(.warning, about: pool, reason: "AllocationUnreadable", problem)
            // Nothing is known of who has which pod; the change that mends it is watched.
            return .done
        }
        if let rest = try rest(pool, &entry) { return .requeue(after: rest) }
        guard try await hold(&pool, &entry) else { return .requeue(after: Self.pauseAfterConflict) }
        // Whatever goes wrong after this, it need not be taken over again.
        entry.pool = pool

        let revision = try pool.presentRevision()
        var view = try await self.view(of: pool, &entry)
        let decision = PoolAllocator.decide(
            try pool.ledger(),
            view.members,
            view.pods,
            excluded: view.orphans,
            revision: revision
        )
        guard try await grant(decision, view, &pool, &entry) else {
            return .requeue(after: .zero)
        }
        report(decision.shortages, view, pool)

        let missing = decision.shortages.values.reduce(0, +)
        var wake = try await takeBack(&view, pool, &entry)
        try await evict(view, taken: decision.taken, pool)
        let scaled = try await scale(
            view,
            taken: decision.taken,
            missing: missing,
            PoolScale(pool.spec, revision: revision),
            pool,
            &entry
        )
        wake.add(scaled)
        wake.add(try await report(view, taken: decision.taken, revision: revision, &pool, &entry))
        metrics.report(key, pool.status, missing: missing)
        entry.holders = view.holders(decision.ledger)
        entry.pool = pool
        guard let delay = wake.delay else { return .done }
        return .requeue(after: delay)
    }

    /// How long a cache is given to show what has changed.
    static let pauseAfterConflict = Duration.milliseconds(50)
    /// Seconds for which another controller that has taken the pool over is left alone: both taking it from one another at once, none
    /// would ever come to anything. Where one alone works, as is right, that never happens to who goes on.
    private static let rest = 0.5..<1.5

    /// For how long to leave a pool alone that another controller has taken from this one.
    private func rest(_ pool: Pool, _ entry: inout PoolMemory.Entry) throws -> Duration? {
        if entry.isHeld, try pool.ledger().holder != holder {
            entry = PoolMemory.Entry()
            entry.pool = pool
            entry.rest = now().addingTimeInterval(Double.random(in: Self.rest))
        }
        guard let end = entry.rest else { return nil }
        let left = end.timeIntervalSince(now())
        guard left > 0, left <= Self.rest.upperBound else {
            entry.rest = nil
            return nil
        }
        return .seconds(left)
    }

    /// Which of two states of an object is newer.
    func newest<Object: KubeResource>(_ cached: Object, _ answered: Object?) -> Object {
        guard let answered, answered.metadata.uid == cached.metadata.uid, answered.isNewer(than: cached) else {
            return cached
        }
        return answered
    }

    /// What keeps everything from being allocated in a pool; nil if nothing does.
    private func unreadable(in pool: ObjectKey) -> String? {
        let names = sandboxes.store.objects(.unreadableAllocation, pool.namespace ?? "")
            .filter { $0.spec.poolRef.map { $0.isEmpty || $0 == pool.name } ?? true }
            .map(\.metadata.name)
        guard let first = names.first else { return nil }
        return
            "Annotations of the BatchSandbox \(first) do not say which pods it has. Nothing is allocated or deleted until "
            + "\(OpenSandbox.Annotation.allocStatus), alloc-release and alloc-released of it are lists of pods again."
    }

    /// Tells owners that they wait for pods.
    private func report(_ shortages: [String: Int], _ view: PoolView, _ pool: Pool) {
        for sandbox in view.sandboxes {
            let missing = shortages[sandbox.metadata.uid ?? ""]
            let reason = "PoolAllocationPending"
            guard self.shortages.set(sandbox.key, missing: missing, reason: reason) else { continue }
            look(sandbox.key)
            guard let missing else { continue }
            recorder.record(
                .warning,
                about: sandbox,
                reason: reason,
                "The pool \(pool.metadata.name) has no pod ready: \(missing) of \(sandbox.spec.replicas) are still to come."
            )
        }
    }
}

extension KubeResource {
    /// Whether this is a later state of an object than another one. Versions are numbers that grow.
    func isNewer(than other: Self) -> Bool { version > other.version }

    private var version: UInt64 { metadata.resourceVersion.flatMap { UInt64($0) } ?? 0 }
}

extension Pool {
    /// The annotation that carries the ledger.
    static let ledgerAnnotation = "stasis.dev/allocations"

    /// What is promised.
    ///
    /// - Throws: `DecodingError`.
    func ledger() throws -> PoolLedger {
        try metadata.annotations[Self.ledgerAnnotation].map { try PoolLedger($0) } ?? PoolLedger()
    }
}

/// When to look again.
struct PoolWake: Sendable {
    private(set) var delay: Duration?

    mutating func add(_ other: PoolWake) { other.delay.map { add($0) } }

    mutating func add(_ other: Duration) { delay = min(delay ?? other, other) }
}
