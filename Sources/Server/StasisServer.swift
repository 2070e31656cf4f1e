// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Hummingbird
import HummingbirdCore
public import Logging
import NIOCore
public import ServiceLifecycle

/// The server: the API over HTTP/1.1 until it is told to stop. Requests that run then are finished.
public struct StasisServer: Service {
    private let api: SandboxAPI
    private let configuration: ServerConfiguration.HTTP
    private let logger: Logger

    /// Bytes of a request's head that are read at most; a longer one is answered 400.
    private static let maximumHeaderBytes = 64 << 10
    private static let maximumHeaderCount = 100

    /// Creates a server in front of the runtimes of its tenants.
    public init(tenants: Tenants, configuration: ServerConfiguration.HTTP, logger: Logger) {
        self.api = SandboxAPI(tenants: tenants, configuration: configuration)
        self.configuration = configuration
        self.logger = logger
    }

    /// Listens and answers until the task is cancelled or the service group shuts down gracefully.
    ///
    /// - Throws: If the address cannot be listened on.
    public func run() async throws {
        try await Self.application(api, configuration: configuration, logger: logger).run()
    }

    static func application(
        _ api: SandboxAPI,
        configuration: ServerConfiguration.HTTP,
        logger: Logger
    ) -> some ApplicationProtocol {
        let responder = api.responder()
        let connections = ConnectionCount(
            limit: min(configuration.connectionLimit == 0 ? .max : configuration.connectionLimit, FileLimit.connections()),
            api.metrics
        )
        let headTimeout = TimeAmount.seconds(Int64(configuration.headTimeout))
        let channel = HTTP1Channel.Configuration(
            additionalChannelHandlers: [
                ConnectionGuard(connections, headTimeout: headTimeout, isProbe: responder.isProbe)
            ],
            idleTimeout: .seconds(Int64(configuration.keepAliveTimeout)),
            httpDecoderConfiguration: .init(
                maxHeaderFieldSize: maximumHeaderBytes,
                maxHeaderListSize: maximumHeaderBytes,
                maxHeaderFieldCount: maximumHeaderCount
            )
        )
        return Application(
            responder: responder,
            server: .http1(configuration: channel),
            configuration: ApplicationConfiguration(
                address: .hostname(configuration.host, port: configuration.port),
                backlog: configuration.backlog
            ),
            logger: logger
        )
    }
}
