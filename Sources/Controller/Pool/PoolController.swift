// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import KubeClient
import KubeModels
import KubeRuntime
import Logging
import Metrics
import SandboxModels

import struct Foundation.UUID

/// Has pools looked at when they, their pods or sandboxes of theirs change.
struct PoolController: Sendable {
    private let controller: Controller<ObjectKey>
    private let restarts: RestartRecycling

    /// - Parameters:
    ///   - pods: Has the index `owner`.
    ///   - sandboxes: Has the indexes `pool`, `heldPod` and `unreadableAllocation`.
    ///   - look: Has a sandbox looked at.
    init(
        _ client: KubeClient,
        pools: Informer<Pool>,
        pods: Informer<Pod>,
        sandboxes: Informer<BatchSandbox>,
        shortages: PoolShortages,
        evictionHandlers: [String: any EvictionHandler],
        settings: PoolSettings,
        recorder: EventRecorder,
        workers: Int,
        metrics: (any MetricsFactory)?,
        logger: Logger,
        look: @escaping @Sendable (ObjectKey) -> Void
    ) {
        restarts = RestartRecycling(client: client, metrics: metrics, logger: logger)
        let expectations = Expectations<ObjectKey>(patience: .seconds(settings.expectationTimeout))
        let reconciler = PoolReconciler(
            pools: pools,
            pods: pods,
            sandboxes: sandboxes,
            client: client,
            recorder: recorder,
            shortages: shortages,
            restarts: restarts,
            evictionHandlers: evictionHandlers,
            settings: settings,
            metrics: PoolMetrics(factory: metrics),
            logger: logger,
            holder: UUID().uuidString.lowercased(),
            look: look,
            expectations: expectations
        )
        controller = Controller(name: "pool", workers: workers, metrics: metrics, logger: logger) { key in
            try await reconciler.reconcile(key)
        }
        .watching(pools)
        .watching(pods) { change in
            expectations.observe(change)
            return change.object.controller(Pool.self).map { [$0] } ?? []
        }
        .watching(sandboxes) { change in Self.pools(concernedBy: change, pods.store) }
    }

    /// Works until the task is cancelled. The informers must run meanwhile.
    ///
    /// - Throws: `CancellationError`.
    func run() async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await controller.run() }
            group.addTask { try await restarts.run { controller.queue.add($0) } }
            try await group.next()
            group.cancelAll()
        }
    }

    /// The pools for which something has changed: those that a sandbox names or has named, and those whose pods it has.
    private static func pools(concernedBy change: Change<BatchSandbox>, _ pods: Store<Pod>) -> [ObjectKey] {
        let new = change.object
        var old: BatchSandbox?
        if case .updated(let before, _) = change {
            if before.isSame(toPools: new) { return [] }
            old = before
        }
        var keys: Set<ObjectKey> = []
        for sandbox in [new, old].compactMap(\.self) {
            if let pool = sandbox.spec.poolRef, !pool.isEmpty, pool != BatchSandbox.anyPool {
                keys.insert(ObjectKey(namespace: sandbox.metadata.namespace, name: pool))
            }
            // One that has turned to another pool may still have pods of the earlier one.
            for name in (try? PooledSandbox(sandbox, pool: "").held) ?? [] {
                if let owner = pods[sandbox.metadata.namespace, name]?.controller(Pool.self) { keys.insert(owner) }
            }
        }
        return Array(keys)
    }
}

extension BatchSandbox {
    /// Whether nothing has changed that a pool looks at.
    fileprivate func isSame(toPools other: BatchSandbox) -> Bool {
        guard spec.poolRef == other.spec.poolRef, metadata.finalizers == other.metadata.finalizers,
            metadata.deletionTimestamp == other.metadata.deletionTimestamp,
            let now = try? PooledSandbox(self, pool: ""), let then = try? PooledSandbox(other, pool: "")
        else { return false }
        return now == then && spec.replicas == other.spec.replicas
    }
}
