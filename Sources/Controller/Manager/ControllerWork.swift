// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import KubeClient
import KubeModels
import KubeRuntime
import Logging
import Metrics
import PrometheusMetrics
import ServiceLifecycle

/// What only one of several controllers does at a time, when the cluster has what it takes.
struct ControllerWork: ServiceLifecycle.Service {
    let client: KubeClient
    let options: ControllerOptions
    let providers: SnapshotProviders
    let evictionHandlers: [String: any EvictionHandler]
    let recorder: EventRecorder
    let identity: String
    let health: ManagerHealth
    let registry: PrometheusRegistry
    let logger: Logger

    func run() async throws {
        try await withGracefulShutdownHandler {
            do {
                try await cancelWhenGracefulShutdown { try await prepare() }
            } catch is CancellationError where Task.isShuttingDownGracefully && !Task.isCancelled {
                return
            }
            try await workInTurn()
        } onGracefulShutdown: {
            health.ends()
        }
    }

    private var check: SchemaCheck {
        SchemaCheck(client: client, health: health, logger: logger, dialects: options.sandboxes.dialects)
    }

    private func prepare() async throws {
        try await check.waitUntilServed()
        try await check.warnOfPruning()
    }

    private func workInTurn() async throws {
        let leads = Meter(
            label: "leader_election_master_status",
            dimensions: [("name", ControllerManager.leaseName)],
            factory: registry
        )
        leads.set(0)
        guard options.isLeaderElected else {
            leads.set(1)
            return try await work()
        }
        let namespace = options.leaderElectionNamespace ?? client.configuration.namespace
        let elector = LeaderElector(
            client.resource(in: .named(namespace)),
            name: ControllerManager.leaseName,
            identity: identity,
            logger: logger
        )
        let service = LeaderService(elector) { _ in
            leads.set(1)
            defer { leads.set(0) }
            try await work()
        }
        try await service.run()
    }

    private func work() async throws {
        var settings = options.sandboxes
        if settings.dialects.contains(.agentSandbox), let version = try await check.agentSandboxVersion() {
            settings.agentSandboxVersion = version
        }
        let told = settings
        let scopes = options.namespaces.isEmpty ? [NamespaceScope.all] : options.namespaces.map { .named($0) }
        let controllers = scopes.map { scope in
            SandboxController(
                client,
                in: scope,
                providers: providers,
                settings: told,
                recorder: recorder,
                workers: options.sandboxWorkers,
                snapshotWorkers: options.snapshotWorkers,
                poolWorkers: options.poolWorkers,
                evictionHandlers: evictionHandlers,
                metrics: registry,
                logger: logger
            )
        }
        try await withThrowingTaskGroup(of: Void.self) { group in
            for controller in controllers { group.addTask { try await controller.run() } }
            if let work = providers.work {
                group.addTask {
                    try await work { sandbox in
                        for controller in controllers { controller.look(at: sandbox) }
                    }
                }
            }
            // All of it goes on for ever; told to end, the controllers do.
            try await group.next()
            group.cancelAll()
        }
    }
}
