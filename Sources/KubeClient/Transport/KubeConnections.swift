// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import AsyncHTTPClient
import NIOCore
import NIOPosix
import NIOSSL

import struct Foundation.URLComponents

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// The connections to one API server: a pool for each kind of answer, which differ in how long they may be silent.
///
/// All speak HTTP/1.1. Over HTTP/2 everything would share one connection: a slow reader of one watch would hold up the
/// others, a hundred watches would leave no room for requests, and a connection whose other end has vanished would fail one
/// request after the other until TCP gives it up.
public final class KubeConnections: Sendable {
    /// What is sent to dead peers: after so many seconds of silence ...
    private static let keepAliveIdle: Int = 20
    /// ... a probe every so many seconds ...
    private static let keepAliveInterval: Int = 5
    /// ... and so many without an answer are the end.
    private static let keepAliveCount: Int = 4

    let endpoint: ServerEndpoint
    /// How TLS is spoken, without a client certificate.
    let tls: TLSConfiguration
    private let requests: HTTPClient
    /// For requests that nothing may hold up.
    private let reserved: HTTPClient
    private let watches: HTTPClient
    private let logs: HTTPClient

    /// Makes the pools; nothing is connected yet. `shutdown` is to be called when nobody uses them any more.
    ///
    /// Reads the file with authorities, if there is one, and blocks while it does.
    ///
    /// - Throws: `KubeError` of kind `invalidConfiguration`.
    public init(_ configuration: KubeClientConfiguration) throws(KubeError) {
        endpoint = configuration.server
        tls = try endpoint.tlsConfiguration()
        var http = HTTPClient.Configuration()
        http.httpVersion = .http1Only
        http.redirectConfiguration = .disallow
        http.connectionPool.retryConnectionEstablishment = false
        http.timeout.connect = TimeAmount(configuration.connectTimeout)
        http.timeout.write = TimeAmount(configuration.requestTimeout)
        http.tlsConfiguration = tls
        http.proxy = try Self.proxy(endpoint)
        http.http1_1ConnectionDebugInitializer = { Self.watchOver($0) }
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
    public func shutdown() async throws {
        for client in [requests, reserved, watches, logs] { try await client.shutdown() }
    }

    /// Sends a message.
    func execute(
        _ message: HTTPClientRequest,
        for answer: KubeRequest.Answer,
        isReserved: Bool,
        deadline: NIODeadline
    ) async throws -> HTTPClientResponse {
        let client =
            switch answer {
            case .document: isReserved ? reserved : requests
            case .watch: watches
            case .log: logs
            }
        return try await client.execute(message, deadline: deadline)
    }

    /// Has TCP find out when the other end is no more: a watch may be silent for minutes, and would not know.
    static func watchOver(_ channel: any Channel) -> EventLoopFuture<Void> {
        let options: [(NIOBSDSocket.Option, Int)] = [
            (.init(rawValue: TCP_KEEPIDLE), keepAliveIdle), (.init(rawValue: TCP_KEEPINTVL), keepAliveInterval),
            (.init(rawValue: TCP_KEEPCNT), keepAliveCount),
        ]
        var set = [channel.setOption(.socketOption(.so_keepalive), value: 1)]
        for (option, value) in options {
            set.append(
                channel.setOption(
                    ChannelOptions.Types.SocketOption(level: .tcp, name: option),
                    value: SocketOptionValue(value)
                )
            )
        }
        // A connection that is no TCP has none of these.
        return EventLoopFuture.andAllComplete(set, on: channel.eventLoop)
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
