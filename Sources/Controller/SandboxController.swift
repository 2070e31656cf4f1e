// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

public import KubeClient
import KubeModels
public import KubeRuntime
public import Logging
public import Metrics
import SandboxModels

/// Sees to it that BatchSandboxes run, are paused and resumed as their owners want, and that SandboxSnapshots are taken, with the
/// providers that it is given. With the dialects in its settings it does the same for the Kruise dialect's kinds, and suspends and resumes
/// those of agent-sandbox.
///
/// Several may run in one cluster, but only one at a time may work: put ``run()`` under a `LeaderElector`.
public struct SandboxController: Sendable {
    private let sandboxes: Informer<BatchSandbox>
    private let pods: Informer<Pod>
    private let snapshots: Informer<SandboxSnapshot>
    private let pools: Informer<Pool>
    private let assigner: PoolAssigner
    private let controller: Controller<ObjectKey>
    private let snapshotController: Controller<ObjectKey>
    private let retentionController: Controller<ObjectKey>
    private let poolController: PoolController
    private let taskController: Controller<ObjectKey>
    private let executors: TaskExecutors
    private let census: SandboxCensus<BatchSandbox>
    /// Looks whether images are still there; nil if it was told not to.
    private let auditController: Controller<ObjectKey>?
    /// What is at work for the Kruise dialect; nil if the controller does not work on it.
    private let kruise: KruiseControllers?
    /// What is at work for the AgentSandbox dialect; nil if the controller does not work on it.
    private let agents: AgentSandboxControllers?
    /// The snapshots of a sandbox that are not finished.
    private let unfinished: @Sendable (SandboxReference) -> [ObjectKey]

    /// Creates a controller.
    ///
    /// - Parameters:
    ///   - client: The cluster.
    ///   - namespaces: Which sandboxes.
    ///   - providers: Who captures and restores.
    ///   - settings: What it is told.
    ///   - recorder: Tells people what happens.
    ///   - workers: How many sandboxes are looked at at a time.
    ///   - snapshotWorkers: How many snapshots are looked at at a time.
    ///   - poolWorkers: How many pools are looked at at a time.
    ///   - evictionHandlers: Who decides about evictions, by the name that pools choose them by.
    ///   - taskWorkers: Of how many sandboxes the tasks are looked at at a time.
    ///   - metrics: Where measurements go; nil for the process's own system.
    public init(
        _ client: KubeClient,
        in namespaces: NamespaceScope = .all,
        providers: SnapshotProviders,
        settings: SandboxControllerSettings,
        recorder: EventRecorder,
        workers: Int = 32,
        snapshotWorkers: Int = 4,
        poolWorkers: Int = 16,
        evictionHandlers: [String: any EvictionHandler] = [:],
        taskWorkers: Int = 16,
        metrics: (any MetricsFactory)? = nil,
        logger: Logger
    ) {
        let providers = providers.measured(metrics)
        sandboxes = Informer(
            client.resource(in: namespaces),
            indexes: [.pool, .heldPod, .unreadableAllocation],
            metrics: metrics,
            logger: logger
        )
        pods = Informer(client.resource(in: namespaces), indexes: [.owner], metrics: metrics, logger: logger)
        pools = Informer(client.resource(in: namespaces), metrics: metrics, logger: logger)
        let snapshots = Informer<SandboxSnapshot>(
            client.resource(in: namespaces),
            indexes: [.sandbox],
            metrics: metrics,
            logger: logger
        )
        self.snapshots = snapshots
        let shortages = PoolShortages()
        let stoppedTasks = StoppedTasks()
        let reconciler = BatchSandboxReconciler(
            sandboxes: sandboxes,
            pods: pods,
            snapshots: snapshots,
            shortages: shortages,
            stoppedTasks: stoppedTasks,
            client: client,
            providers: providers,
            settings: settings,
            recorder: recorder,
            metrics: SandboxMetrics(factory: metrics),
            logger: logger
        )
        controller = Controller(name: "batchsandbox", workers: workers, metrics: metrics, logger: logger) { key in
            try await reconciler.reconcile(key)
        }
        .watching(sandboxes)
        .watchingOwned(pods, by: BatchSandbox.self)
        .watching(pods) { [store = sandboxes.store] change in
            let pod = change.object.metadata
            return store.objects(.heldPod, StoreIndex<BatchSandbox>.key(pod.namespace, pod.name)).map(\.key)
        }
        .watchingOwned(snapshots, by: BatchSandbox.self)
        // Whose turn it is stands in the record of the sandbox.
        .watching(snapshots) { $0.object.sandboxesInTurn(of: .openSandbox) }
        let queue = controller.queue
        poolController = PoolController(
            client,
            pools: pools,
            pods: pods,
            sandboxes: sandboxes,
            shortages: shortages,
            evictionHandlers: evictionHandlers,
            settings: settings.pools,
            recorder: recorder,
            workers: poolWorkers,
            metrics: metrics,
            logger: logger
        ) { queue.add($0) }
        let unfinished: @Sendable (SandboxReference) -> [ObjectKey] = { sandbox in
            snapshots.store
                .objects(.sandbox, sandbox.description)
                .filter { $0.status?.isFinal != true || $0.metadata.deletionTimestamp != nil }
                .map(\.key)
        }
        self.unfinished = unfinished
        executors = TaskExecutors(port: settings.taskExecutorPort)
        let tasks = TaskReconciler(
            sandboxes: sandboxes,
            pods: pods,
            client: client,
            executors: executors,
            stopped: stoppedTasks,
            recorder: recorder
        ) { [queue = controller.queue] in queue.add($0) }
        taskController = tasks.controller(workers: taskWorkers, metrics: metrics, logger: logger)
        let deletion = ImageDeletion(
            client,
            providers: providers,
            dialects: settings.dialects,
            agentSandboxVersion: settings.agentSandboxVersion,
            metrics: metrics
        )
        let retention = ImageRetention(
            sandboxes: sandboxes,
            client: client,
            deletion: deletion,
            settings: settings,
            recorder: recorder,
            logger: logger
        )
        retentionController = retention.controller(metrics: metrics)
        census = SandboxCensus(sandboxes, factory: metrics)
        auditController = settings.artifactCheckInterval.map { interval in
            ArtifactAudit(
                snapshots: snapshots,
                client: client,
                providers: providers,
                recorder: recorder,
                interval: interval,
                metrics: ArtifactAuditMetrics(factory: metrics),
                logger: logger
            )
            .controller(metrics: metrics)
        }
        assigner = PoolAssigner(
            sandboxes: sandboxes,
            pools: pools,
            client: client,
            ownNamespace: settings.ownNamespace,
            recorder: recorder,
            metrics: metrics,
            logger: logger
        )
        let parts = DialectParts(
            client: client,
            namespaces: namespaces,
            pods: pods,
            snapshots: snapshots,
            providers: providers,
            deletion: deletion,
            settings: settings,
            recorder: recorder,
            metrics: metrics,
            logger: logger
        )
        kruise = settings.dialects.contains(.kruise) ? KruiseControllers(parts, workers: workers) : nil
        agents = settings.dialects.contains(.agentSandbox) ? AgentSandboxControllers(parts, workers: workers) : nil
        let snapshotReconciler = SandboxSnapshotReconciler(
            snapshots: snapshots,
            sandboxes: SnapshotSandboxes(
                batch: sandboxes,
                kruise: kruise?.sandboxes,
                agents: agents?.finder,
                pods: pods,
                client: client
            ),
            client: client,
            providers: providers,
            deletion: deletion,
            settings: settings,
            recorder: recorder,
            logger: logger
        )
        var snapshotController = Controller<ObjectKey>(
            name: "sandboxsnapshot",
            workers: snapshotWorkers,
            metrics: metrics,
            logger: logger
        ) { key in
            try await snapshotReconciler.reconcile(key)
        }
        .watching(snapshots) { change in
            // Those that wait for it.
            [change.object.key] + (change.object.status?.isFinal == true ? unfinished(change.object.sandbox) : [])
        }
        .watching(sandboxes) { unfinished($0.object.reference) }
        // Not before they are all known: without its pod a sandbox cannot be captured.
        .watching(pods) { _ in [] }
        if let kruise {
            snapshotController = snapshotController.watching(kruise.sandboxes.sandboxes) {
                unfinished($0.object.reference)
            }
        }
        if let agents { snapshotController = agents.watched(by: snapshotController, unfinished) }
        self.snapshotController = snapshotController
    }

    /// Has a sandbox looked at, and the snapshots of it that are not finished, because the provider has news of one of them.
    public func look(at sandbox: ObjectKey) {
        controller.queue.add(sandbox)
        kruise?.look(at: sandbox)
        agents?.look(at: sandbox)
        for dialect in SandboxDialect.allCases {
            for snapshot in unfinished(SandboxReference(dialect: dialect, key: sandbox)) {
                snapshotController.queue.add(snapshot)
            }
        }
    }

    /// Works until the task is cancelled.
    ///
    /// - Throws: `CancellationError`, and what an informer cannot go on after.
    public func run() async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await sandboxes.run() }
            group.addTask { try await pods.run() }
            group.addTask { try await snapshots.run() }
            group.addTask { try await pools.run() }
            group.addTask { try await assigner.run() }
            group.addTask { try await controller.run() }
            group.addTask { try await snapshotController.run() }
            group.addTask { try await retentionController.run() }
            group.addTask { try await poolController.run() }
            group.addTask { try await executors.run() }
            group.addTask { await census.run() }
            if let auditController { group.addTask { try await auditController.run() } }
            group.addTask { try await taskController.run() }
            for work in (kruise?.work ?? []) + (agents?.work ?? []) { group.addTask { try await work() } }
            try await group.next()
            group.cancelAll()
        }
    }
}
