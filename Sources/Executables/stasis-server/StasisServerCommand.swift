// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Logging
import Metrics
import PrometheusMetrics
import Server
import ServiceLifecycle
import SnapshotEngine
import UnixSignals

import class Foundation.ProcessInfo

/// `stasis-server serve`, or nothing at all: sandboxes behind the OpenSandbox Lifecycle API and the E2B API.
struct StasisServerCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "serve",
        abstract: "Serves the OpenSandbox Lifecycle API.",
        discussion: """
            The configuration is TOML in OpenSandbox's format: --config, else SANDBOX_CONFIG_PATH, else ~/.sandbox.toml. \
            OPENSANDBOX_SERVER_API_KEY goes before the file's api_key.

            With --check-config it exits with 0 if the configuration can be used, warnings or not, and with 1 if not. \
            Without, it exits with 0 when it was told to stop by SIGTERM or SIGINT, and with 1 when it could not start or \
            go on. Arguments that it does not know end it with 64.
            """,
        version: ServerVersion.current,
        subcommands: [Hold.self]
    )

    @Option(name: .long, help: "The configuration file.")
    var config: String?

    @Flag(name: .long, help: "Print what is wrong with the configuration and what of it has no effect, and exit.")
    var checkConfig = false

    func run() async throws {
        let environment = ProcessInfo.processInfo.environment
        let file = ConfigurationFile(argument: config, environment: environment)
        if checkConfig {
            let check = ConfigurationCheck(file, environment: environment)
            print(check.report)
            throw check.isUsable ? ExitCode.success : ExitCode.failure
        }
        let text = try file.read()
        let (configuration, warnings) = try ServerConfiguration.load(text: text, environment: environment)

        let registry = configuration.http.metrics.map { _ in PrometheusRegistry.forServer() }
        if let registry { MetricsSystem.bootstrap(registry) }
        LoggingSystem.bootstrap(
            { label, provider in
                var handler = LineLogHandler(label: label)
                handler.metadataProvider = provider
                return handler
            },
            metadataProvider: .request
        )
        var logger = Logger(label: "stasis-server")
        logger.logLevel = configuration.logLevel
        for warning in warnings { logger.warning("\(warning)") }
        if configuration.isOpen {
            logger.warning("No API key is configured: everybody who reaches the server can use it")
        }

        let assembly = try await makeRuntime(configuration, logger: logger)
        let server = StasisServer(
            tenants: assembly.tenants,
            configuration: configuration.http,
            proxy: configuration.proxy,
            ingress: configuration.ingress,
            e2b: assembly.e2b,
            servesPage: configuration.servesPage,
            moving: configuration.move,
            logger: logger
        )
        let listeners = MetricsListener.of(configuration.http, registry, logger: logger)
        var group = ServiceGroupConfiguration(
            services: assembly.services + [server] + listeners + [StartupMemory(logger: logger)],
            gracefulShutdownSignals: [.sigterm, .sigint],
            logger: logger
        )
        group.maximumGracefulShutdownDuration = .seconds(configuration.http.gracefulShutdownTimeout)
        try await ServiceGroup(configuration: group).run()
    }
}

/// The process that holds the freezes of captures; the server starts it.
struct Hold: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Holds the freezes of a server's captures, which starts this by itself.",
        shouldDisplay: false
    )

    @Option(name: .long, help: "containerd's socket.")
    var containerdSocket: String

    @Option(name: .long, help: "The sandboxes' containerd namespace.")
    var containerdNamespace: String

    func run() async throws {
        try await FreezeHolderService.runProcess(
            containerdSocket: containerdSocket,
            containerdNamespace: containerdNamespace
        )
    }
}
