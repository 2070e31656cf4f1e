// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import ClusterView
public import KubeClient
import KubeModels
import KubeRuntime
public import Logging
import SandboxModels
public import ServiceLifecycle

public import struct Foundation.Date

/// Sandboxes in a namespace of a Kubernetes cluster, as `BatchSandbox`es.
///
/// It keeps no state of its own: what there is, is in the API server, and what it remembers is a copy that watches keep up to
/// date. So any number of servers may run side by side, and each answers for every sandbox.
public struct ClusterRuntime: ServiceLifecycle.Service {
    let configuration: ClusterRuntimeConfiguration
    let objects: SandboxObjects<BatchSandbox>
    let snapshotObjects: ResourceClient<SandboxSnapshot>
    let poolObjects: ResourceClient<Pool>
    let client: KubeClient
    let diagnostics: PodDiagnostics
    let accesses = AccessLedger()
    let roster = DutyRoster()
    let moveAnnouncer = MoveAnnouncer()
    let now: @Sendable () -> Date
    let logger: Logger
    let snapshotInformer: Informer<SandboxSnapshot>

    /// Creates a runtime.
    ///
    /// - Parameters:
    ///   - client: Of the cluster; whoever made it ends it after `run`.
    ///   - now: The clock by which sandboxes expire.
    public init(
        _ configuration: ClusterRuntimeConfiguration,
        client: KubeClient,
        now: @escaping @Sendable () -> Date = { Date() },
        logger: Logger
    ) {
        self.configuration = configuration
        self.client = client
        self.now = now
        self.logger = logger
        let namespace = NamespaceScope.named(configuration.namespace)
        snapshotObjects = client.resource(SandboxSnapshot.self, in: namespace)
        poolObjects = client.resource(Pool.self, in: namespace)
        diagnostics = PodDiagnostics(client, namespace: configuration.namespace)
        let snapshotInformer = Informer(snapshotObjects, indexes: [.snapshotID], logger: logger)
        self.snapshotInformer = snapshotInformer
        objects = SandboxObjects(
            client.resource(BatchSandbox.self, in: namespace),
            companions: { (try? await snapshotInformer.waitUntilSynced()) != nil },
            logger: logger
        )
    }

    /// The sandboxes' objects, as the API server has them.
    var sandboxes: ResourceClient<BatchSandbox> { objects.client }

    /// The sandboxes, as they are known.
    var directory: SandboxDirectory<BatchSandbox> { objects.directory }

    /// Watches until the task is cancelled or the service is asked to shut down. Sandboxes run on without it.
    public func run() async throws {
        do {
            try await cancelWhenGracefulShutdown {
                try await withThrowingDiscardingTaskGroup { group in
                    group.addTask {
                        try await objects.run { object, isGone in
                            if isGone { accesses.forget(object.sandboxID) }
                            moveAnnouncer.note(object.sandboxID, isGone ? nil : object.move)
                            schedule(object.sandboxID)
                        }
                    }
                    group.addTask { try await snapshotInformer.run() }
                    group.addTask { await attendToDuties() }
                }
            }
        } catch is CancellationError where Task.isShuttingDownGracefully {
            // That was asked for.
        }
    }

    /// Returns when it is known what there is.
    ///
    /// - Throws: `runtimeUnavailable` if that takes long.
    func waitUntilSynced() async throws { try await objects.waitUntilSynced() }

    /// What is known of a sandbox.
    ///
    /// - Throws: `notFound`; `runtimeUnavailable` if nothing is known yet.
    func entry(_ id: String) async throws -> SandboxDirectory<BatchSandbox>.Entry { try await objects.entry(id) }
}

extension ClusterRuntime: CustomStringConvertible {
    /// Where its sandboxes are.
    public var description: String { "sandboxes in the namespace '\(configuration.namespace)'" }
}
