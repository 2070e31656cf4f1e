// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Logging
import Metrics
import PrometheusMetrics
import SandboxModels
import Server
import ServiceLifecycle
import UnixSignals

import class Foundation.ProcessInfo

/// `memory-server`: the server in front of sandboxes that exist in its memory only. It is what the API is measured and
/// tried out with; it runs nothing.
@main
struct MemoryServerCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "memory-server",
        abstract: "Serves the API in front of sandboxes that exist in memory only; for tests and measurements."
    )

    @Option(name: .long, help: "The configuration file.")
    var config: String?

    @Option(name: .long, help: "How many sandboxes there are at the start.")
    var sandboxes = 0

    @Option(name: .long, help: "How many milliseconds a capture takes.")
    var captureMilliseconds = 0

    @Flag(name: .long, help: "The sandboxes have been created just now.")
    var new = false

    @Option(name: .long, help: "A text that one more sandbox and a snapshot of it have wherever there is room for one.")
    var everywhere: [String] = []

    func run() async throws {
        let environment = ProcessInfo.processInfo.environment
        let file = ConfigurationFile(argument: config, environment: environment)
        let (configuration, _) = try ServerConfiguration.load(text: try file.read(), environment: environment)

        let registry = configuration.http.metrics.map { _ in PrometheusRegistry.forServer() }
        if let registry { MetricsSystem.bootstrap(registry) }
        LoggingSystem.bootstrap { LineLogHandler(label: $0) }
        var logger = Logger(label: "memory-server")
        logger.logLevel = configuration.logLevel
        let runtime = MemoryRuntime(
            sandboxes: sandboxes,
            captureTime: .milliseconds(captureMilliseconds),
            areNew: new
        )
        for text in everywhere { runtime.put(text) }
        let tenants = try Tenants(configuration, logger: logger) { _ in runtime }
        let server = StasisServer(
            tenants: tenants,
            configuration: configuration.http,
            servesPage: configuration.servesPage,
            logger: logger
        )
        let listeners = MetricsListener.of(configuration.http, registry, logger: logger)
        let group = ServiceGroupConfiguration(
            services: [server] + listeners,
            gracefulShutdownSignals: [.sigterm, .sigint],
            logger: logger
        )
        try await ServiceGroup(configuration: group).run()
    }
}
