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

/// Sandboxes in a namespace of a Kubernetes cluster, as OpenKruise Agents' `Sandbox`es.
///
/// It keeps no state of its own: what there is, is in the API server, and what it remembers is a copy that watches keep up to
/// date. So any number of servers may run side by side, and each answers for every sandbox.
public struct KruiseRuntime: ServiceLifecycle.Service {
    let configuration: KruiseRuntimeConfiguration
    let objects: SandboxObjects<KruiseSandbox>
    let diagnostics: PodDiagnostics
    let checkpoints: ResourceClient<KruiseCheckpoint>
    let templateObjects: ResourceClient<KruiseSandboxTemplate>
    let setObjects: ResourceClient<KruiseSandboxSet>
    let checkpointInformer: Informer<KruiseCheckpoint>
    let templateInformer: Informer<KruiseSandboxTemplate>
    let setInformer: Informer<KruiseSandboxSet>
    let reservations = ClaimReservations()
    let turns = KeyedTurns()
    let now: @Sendable () -> Date
    let logger: Logger

    /// Creates a runtime.
    ///
    /// - Parameters:
    ///   - client: Of the cluster; whoever made it ends it after `run`.
    ///   - now: The clock by which sandboxes end.
    public init(
        _ configuration: KruiseRuntimeConfiguration,
        client: KubeClient,
        now: @escaping @Sendable () -> Date = { Date() },
        logger: Logger
    ) {
        self.configuration = configuration
        self.now = now
        self.logger = logger
        let namespace = NamespaceScope.named(configuration.namespace)
        diagnostics = PodDiagnostics(client, namespace: configuration.namespace)
        checkpoints = client.resource(KruiseCheckpoint.self, in: namespace)
        templateObjects = client.resource(KruiseSandboxTemplate.self, in: namespace)
        setObjects = client.resource(KruiseSandboxSet.self, in: namespace)
        let checkpointInformer = Informer(checkpoints, indexes: [.checkpointID], logger: logger)
        let templateInformer = Informer(templateObjects, logger: logger)
        let setInformer = Informer(setObjects, logger: logger)
        self.checkpointInformer = checkpointInformer
        self.templateInformer = templateInformer
        self.setInformer = setInformer
        objects = SandboxObjects(
            client.resource(KruiseSandbox.self, in: namespace),
            indexes: [.set],
            companions: {
                guard (try? await checkpointInformer.waitUntilSynced()) != nil,
                    (try? await templateInformer.waitUntilSynced()) != nil,
                    (try? await setInformer.waitUntilSynced()) != nil
                else { return false }
                return true
            },
            logger: logger
        )
    }

    /// Watches until the task is cancelled or the service is asked to shut down. Sandboxes run on without it.
    public func run() async throws {
        do {
            try await cancelWhenGracefulShutdown {
                try await withThrowingDiscardingTaskGroup { group in
                    let (failures, fail) = AsyncStream<String>.makeStream()
                    group.addTask {
                        try await objects.run { object, isGone in
                            let isToRestore = object.metadata.annotations[Self.timeoutBeforePause] != nil
                            if !isGone, isToRestore, object.failedPause != nil { fail.yield(object.sandboxID) }
                        }
                    }
                    group.addTask {
                        for await id in failures { await restoreTimeout(id) }
                    }
                    group.addTask { try await checkpointInformer.run() }
                    group.addTask { try await templateInformer.run() }
                    group.addTask { try await setInformer.run() }
                }
            }
        } catch is CancellationError where Task.isShuttingDownGracefully {
            // That was asked for.
        }
    }

    /// The sandboxes, as they are known.
    var directory: SandboxDirectory<KruiseSandbox> { objects.directory }

    /// What is known of a sandbox. One of which no watch has told yet, because another server has just made it, is looked up.
    ///
    /// - Throws: `notFound`; `runtimeUnavailable` if nothing is known yet.
    func entry(_ id: String) async throws -> SandboxDirectory<KruiseSandbox>.Entry {
        try await objects.waitUntilSynced()
        if let entry = directory[id] { return entry }
        let prefix = "\(configuration.namespace)--"
        let name = String(id.dropFirst(prefix.count))
        guard id.hasPrefix(prefix), NameRule.subdomain.allows(name) else { throw SandboxError.noSandbox(id) }
        if let object = try await telling("look the sandbox up", { try await objects.client.find(name) }) {
            directory.put(object)
        }
        guard let entry = directory[id] else { throw SandboxError.noSandbox(id) }
        return entry
    }
}

extension StoreIndex<KruiseSandbox> {
    /// By the set that a sandbox can be taken from.
    static let set = StoreIndex("set") { $0.setReference.map { [$0.name] } ?? [] }
}

extension StoreIndex<KruiseCheckpoint> {
    /// By what clients call a checkpoint.
    static let checkpointID = StoreIndex("checkpoint-id") { $0.status?.checkpointId.map { [$0] } ?? [] }
}

extension KruiseRuntime: CustomStringConvertible {
    /// Where its sandboxes are.
    public var description: String { "Kruise sandboxes in the namespace '\(configuration.namespace)'" }
}
