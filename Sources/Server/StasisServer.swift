// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Hummingbird
import HummingbirdCore
public import Logging
import NIOCore
import NIOHTTP1
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
    public init(
        tenants: Tenants,
        configuration: ServerConfiguration.HTTP,
        proxy: ServerConfiguration.Proxy = ServerConfiguration.Proxy(),
        ingress: ServerConfiguration.Ingress = ServerConfiguration.Ingress(),
        e2b: E2BService? = nil,
        servesPage: Bool = true,
        moving: ServerConfiguration.Moving = ServerConfiguration.Moving(),
        logger: Logger
    ) {
        self.api = SandboxAPI(
            tenants: tenants,
            configuration: configuration,
            proxy: proxy,
            ingress: ingress,
            e2b: e2b,
            servesPage: servesPage,
            moving: moving,
            logger: logger
        )
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
            limit: min(
                configuration.connectionLimit == 0 ? .max : configuration.connectionLimit,
                FileLimit.connections()
            ),
            api.metrics
        )
        let headTimeout = TimeAmount.seconds(Int64(configuration.headTimeout))
        var limits = NIOHTTPDecoderLimitConfiguration()
        limits.maxHeaderFieldSize = maximumHeaderBytes
        limits.maxHeaderListSize = maximumHeaderBytes
        limits.maxHeaderFieldCount = maximumHeaderCount
        let channel = ServerChannel.Configuration(
            idleTimeout: .seconds(Int64(configuration.keepAliveTimeout)),
            headLimits: limits,
            additionalHandlers: {
                [ConnectionGuard(connections, headTimeout: headTimeout, isProbe: responder.isProbe)]
            }
        )
        return Application(
            responder: responder,
            server: HTTPServerBuilder { ServerChannel(responder: $0, configuration: channel) },
            configuration: ApplicationConfiguration(
                address: .hostname(configuration.host, port: configuration.port),
                backlog: configuration.backlog
            ),
            services: api.services,
            logger: logger
        )
    }
}

extension StasisServer: CustomStringConvertible {
    /// Where it listens.
    public var description: String { "the API at \(configuration.host):\(configuration.port)" }
}
