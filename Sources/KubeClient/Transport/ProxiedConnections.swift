// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import AsyncHTTPClient
import NIOCore
import NIOHTTP1
import NIOSSL

import struct Foundation.URLComponents

/// The connections to one API server behind a proxy, which a library makes: HTTP proxies with and without a login, and SOCKS.
final class ProxiedConnections: Sendable {
    private let tls: TLSConfiguration
    private let requestTimeout: Duration
    private let requests: HTTPClient
    private let reserved: HTTPClient
    private let watches: HTTPClient
    private let logs: HTTPClient

    /// - Throws: `KubeError` of kind `invalidConfiguration`.
    init(_ configuration: KubeClientConfiguration, tls: TLSConfiguration) throws(KubeError) {
        let endpoint = configuration.server
        self.tls = tls
        requestTimeout = configuration.requestTimeout
        var http = HTTPClient.Configuration()
        http.httpVersion = .http1Only
        http.redirectConfiguration = .disallow
        http.connectionPool.retryConnectionEstablishment = false
        http.timeout.connect = TimeAmount(configuration.connectTimeout)
        http.timeout.write = TimeAmount(configuration.requestTimeout)
        http.tlsConfiguration = tls
        http.proxy = try Self.proxy(endpoint)
        http.http1_1ConnectionDebugInitializer = { KubeConnections.watchOver($0) }
        if let name = endpoint.serverName { http.dnsOverride[name] = endpoint.host }
        http.connectionPool.concurrentHTTP1ConnectionsPerHostSoftLimit = 128
        http.timeout.read = TimeAmount(configuration.requestTimeout)
        requests = HTTPClient(eventLoopGroupProvider: .singleton, configuration: http)
        reserved = HTTPClient(eventLoopGroupProvider: .singleton, configuration: http)
        // A stream keeps its connection for as long as it lasts.
        http.connectionPool.concurrentHTTP1ConnectionsPerHostSoftLimit = 10_000
        http.timeout.read = TimeAmount(configuration.watchDuration * 2 + configuration.watchGrace)
        watches = HTTPClient(eventLoopGroupProvider: .singleton, configuration: http)
        // What says nothing may have nothing to say.
        http.timeout.read = nil
        logs = HTTPClient(eventLoopGroupProvider: .singleton, configuration: http)
    }

    /// Ends all connections.
    func shutdown() async throws {
        for client in [requests, reserved, watches, logs] { try await client.shutdown() }
    }

    /// Sends a message.
    func execute(
        _ message: KubeMessage,
        _ authorization: Authorization,
        isReserved: Bool
    ) async throws -> KubeAnswer {
        var request = HTTPClientRequest(url: message.url)
        request.method = message.method
        request.headers = message.headers
        if let body = message.body { request.body = .bytes(body) }
        if authorization.privateKey != nil { request.tlsConfiguration = authorization.apply(to: tls) }
        let client =
            switch message.answer {
            case .document, .text: isReserved ? reserved : requests
            case .watch: watches
            case .log: logs
            }
        let deadline: NIODeadline = message.answer == .log ? .distantFuture : .now() + TimeAmount(requestTimeout)
        return KubeAnswer(try await client.execute(request, deadline: deadline))
    }

    private static func proxy(_ endpoint: ServerEndpoint) throws(KubeError) -> HTTPClient.Configuration.Proxy? {
        guard let text = endpoint.proxy else { return nil }
        let parts = URLComponents(string: text)
        guard let host = parts?.host, !host.isEmpty, let scheme = parts?.scheme?.lowercased(),
            ["http", "socks5"].contains(scheme)
        else {
            throw KubeError(
                .invalidConfiguration,
                operation: "use the proxy of",
                subject: endpoint.address,
                reason: "it is none that we can use",
                advice: "a proxy looks like http://proxy.example:3128 or socks5://proxy.example:1080"
            )
        }
        guard scheme == "http" else { return .socksServer(host: host, port: parts?.port ?? 1080) }
        if let user = parts?.user {
            let login = HTTPClient.Authorization.basic(username: user, password: parts?.password ?? "")
            return .server(host: host, port: parts?.port ?? 80, authorization: login)
        }
        return .server(host: host, port: parts?.port ?? 80)
    }
}
