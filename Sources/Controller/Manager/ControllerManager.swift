// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Hummingbird
public import KubeClient
import KubeRuntime
public import Logging
import Metrics
import NIOPosix
public import PrometheusMetrics
import ServiceLifecycle
import SnapshotProvider
public import UnixSignals

import class Foundation.ProcessInfo
import struct Foundation.UUID

/// A whole controller program but for its providers: leader election, the controllers, events, probes and metrics.
///
/// ```swift
/// try await withKubeClient(configuration, metrics: registry, logger: logger) { client in
///     let providers = SnapshotProviders(MyProvider(client))
///     try await ControllerManager(client: client, options: options, providers: providers, logger: logger).run()
/// }
/// ```
public struct ControllerManager: Sendable {
    /// The name of the lease of those who work: that of OpenSandbox's controller, so that the two never work at a time.
    public static let leaseName = "2fa1c467.opensandbox.io"

    private static let shutdownLimit = Duration.seconds(20)

    private let client: KubeClient
    private let options: ControllerOptions
    private let providers: SnapshotProviders
    private let evictionHandlers: [String: any EvictionHandler]
    private let registry: PrometheusRegistry
    private let logger: Logger

    /// Creates a manager.
    ///
    /// - Parameters:
    ///   - client: The cluster. Its own measurements are told with the others if it has the same registry.
    ///   - options: What it is told.
    ///   - providers: Who captures and restores.
    ///   - evictionHandlers: Who decides about evictions from pools, by the name that these choose them by.
    ///   - registry: Where measurements go.
    public init(
        client: KubeClient,
        options: ControllerOptions,
        providers: SnapshotProviders,
        evictionHandlers: [String: any EvictionHandler] = [:],
        registry: PrometheusRegistry = .forController(),
        logger: Logger
    ) {
        self.client = client
        self.options = options
        self.providers = providers
        self.evictionHandlers = evictionHandlers
        self.registry = registry
        self.logger = logger
    }

    /// Works until it gets one of the signals, or its task is cancelled.
    ///
    /// What is under way is ended then, the lease is released, and events are written that wait.
    ///
    /// - Throws: `LeadershipLost`, after which the process should end and be started again; what keeps it from going on.
    public func run(endingOn signals: [UnixSignal] = [.sigterm, .sigint]) async throws {
        let identity = Self.identity()
        let health = ManagerHealth()
        let recorder = EventRecorder(sandboxes: client, instance: identity, logger: logger)
        let work = ControllerWork(
            client: client,
            options: options,
            providers: providers,
            evictionHandlers: evictionHandlers,
            recorder: recorder,
            identity: identity,
            health: health,
            registry: registry,
            logger: logger
        )
        // They are told to end in the opposite order, each when the one after it has.
        var services = try await endpoints(health)
        services.append(.init(service: recorder))
        services.append(.init(service: work))
        var group = ServiceGroupConfiguration(services: services, gracefulShutdownSignals: signals, logger: quiet)
        group.maximumGracefulShutdownDuration = Self.shutdownLimit
        Meter(
            label: "stasis_build_info",
            dimensions: [("version", ControllerVersion.current), ("provider", providers.standard.name)],
            factory: registry
        ).set(1)
        logger.info(
            "starting",
            metadata: [
                "version": "\(ControllerVersion.current)", "identity": "\(identity)",
                "provider": "\(providers.names.joined(separator: ","))",
                "namespaces": "\(options.namespaces.isEmpty ? "all" : options.namespaces.joined(separator: ","))",
            ]
        )
        try await ServiceGroup(configuration: group).run()
        logger.info("ended")
    }

    private func endpoints(_ health: ManagerHealth) async throws -> [ServiceGroupConfiguration.ServiceConfiguration] {
        var endpoints: [HTTPEndpoint] = []
        if let address = options.probeAddress {
            let router = ProbeRoutes.router(health)
            let responder = router.buildResponder()
            endpoints.append(
                HTTPEndpoint(name: "probes", address: address, tls: nil, responder: responder, logger: logger)
            )
        }
        if let address = options.metricsAddress {
            let isSecure = options.isMetricsSecure
            let files = options.metricsCertificate
            let access = isSecure ? MetricsAccess(client) : nil
            let tls =
                isSecure
                ? try await NIOThreadPool.singleton.runIfActive { try MetricsCertificate.configuration(files) } : nil
            let router = MetricsRoutes(registry: registry, access: access, logger: logger).router
            let responder = router.buildResponder()
            endpoints.append(
                HTTPEndpoint(name: "metrics", address: address, tls: tls, responder: responder, logger: logger)
            )
        }
        return endpoints.map { .init(service: $0) }
    }

    /// What the group says of its services is of no use to who runs the program.
    private var quiet: Logger {
        var quiet = logger
        quiet.logLevel = max(logger.logLevel, .warning)
        return quiet
    }

    /// What tells this process from all others, also from itself after a restart.
    private static func identity() -> String {
        let environment = ProcessInfo.processInfo.environment
        let name = environment["POD_NAME"] ?? environment["HOSTNAME"] ?? "stasis-controller"
        return "\(name)_\(UUID().uuidString.lowercased())"
    }
}
