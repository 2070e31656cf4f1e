// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Hummingbird
public import Logging
public import PrometheusMetrics
public import ServiceLifecycle

/// Tells what is measured, in Prometheus' text format, at `/metrics` of an address of its own: whoever reaches it may read
/// it, and what it tells of tenants is nothing for those who use the API.
public struct MetricsListener: Service {
    private let registry: PrometheusRegistry
    private let address: ServerConfiguration.MetricsAddress
    private let logger: Logger

    /// Creates it.
    public init(_ registry: PrometheusRegistry, at address: ServerConfiguration.MetricsAddress, logger: Logger) {
        self.registry = registry
        self.address = address
        self.logger = logger
    }

    /// The one that a configuration asks for, if it does.
    public static func of(
        _ configuration: ServerConfiguration.HTTP,
        _ registry: PrometheusRegistry?,
        logger: Logger
    ) -> [any Service] {
        guard let address = configuration.metrics, let registry else { return [] }
        return [MetricsListener(registry, at: address, logger: logger)]
    }

    /// Listens until the task is cancelled or the service group shuts down gracefully.
    ///
    /// - Throws: If the address cannot be listened on.
    public func run() async throws {
        try await application().run()
    }

    func application(onRunning: @escaping @Sendable (Int?) async -> Void = { _ in }) -> some ApplicationProtocol {
        let router = Router()
        router.get("/metrics") { _, _ in
            Response(
                status: .ok,
                headers: [.contentType: PrometheusRegistry.mediaType],
                body: ResponseBody(byteBuffer: ByteBuffer(string: registry.text() + ProcessMetrics.text()))
            )
        }
        return Application(
            router: router,
            server: .http1(configuration: .init(idleTimeout: .seconds(60))),
            configuration: ApplicationConfiguration(
                address: .hostname(address.host, port: address.port),
                availableConnectionsDelegate: .maximum(64, logger: logger)
            ),
            onServerRunning: { await onRunning($0.localAddress?.port) },
            logger: logger
        )
    }
}
