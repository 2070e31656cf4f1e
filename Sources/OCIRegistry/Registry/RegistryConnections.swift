// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import AsyncHTTPClient
import NIOCore
import NIOSSL

/// The connections of registry clients: a pool of those that go straight to their servers, and one for each proxy.
///
/// They speak HTTP/1.1, so that uploads have connections of their own; follow no redirects, which the registry client
/// does itself to keep credentials where they belong; and connect once, because repeating is its business too.
public final class RegistryConnections: Sendable {
    private let direct: HTTPClient
    private let proxied: [ProxySettings.Server: HTTPClient]
    private let proxies: ProxySettings
    private let certificates: CertificateFolder?

    /// Makes the pools; nothing is connected yet. `shutdown` is to be called when nobody uses them any more.
    ///
    /// Reads `authoritiesFile` and blocks while it does.
    ///
    /// - Throws: `RegistryError` if the file cannot be read or has no certificate.
    public init(_ configuration: RegistryConfiguration) throws(RegistryError) {
        var tls = TLSConfiguration.makeClientConfiguration()
        if let file = configuration.authoritiesFile {
            tls.additionalTrustRoots = [.certificates(try CertificateFile(path: file).certificates())]
        }
        let http = Self.httpConfiguration(configuration, tls: tls)
        proxies = configuration.proxies
        certificates = configuration.certificatesFolder.map { CertificateFolder(path: $0, base: tls) }
        direct = HTTPClient(eventLoopGroupProvider: .singleton, configuration: http)
        var proxied: [ProxySettings.Server: HTTPClient] = [:]
        for server in Set([proxies.https, proxies.http].compactMap { $0 }) {
            var http = http
            http.proxy = Self.proxy(server)
            proxied[server] = HTTPClient(eventLoopGroupProvider: .singleton, configuration: http)
        }
        self.proxied = proxied
    }

    /// Ends all connections.
    public func shutdown() async throws {
        for client in [direct] + proxied.values { try await client.shutdown() }
    }

    /// Sends a message to an address.
    func execute(
        _ message: HTTPClientRequest,
        to address: WebAddress,
        deadline: NIODeadline
    ) async throws -> HTTPClientResponse {
        var message = message
        if let certificates { message.tlsConfiguration = try await certificates.configuration(for: address) }
        let client = proxies.server(for: address).flatMap { proxied[$0] } ?? direct
        return try await client.execute(message, deadline: deadline)
    }

    /// The proxy on the way to an address, for messages.
    func proxy(for address: WebAddress) -> String? { proxies.server(for: address)?.authority }

    private static func httpConfiguration(
        _ configuration: RegistryConfiguration,
        tls: TLSConfiguration
    ) -> HTTPClient.Configuration {
        var http = HTTPClient.Configuration()
        http.httpVersion = .http1Only
        http.redirectConfiguration = .disallow
        http.connectionPool.retryConnectionEstablishment = false
        http.connectionPool.concurrentHTTP1ConnectionsPerHostSoftLimit = 32
        http.timeout.connect = TimeAmount(configuration.connectTimeout)
        http.timeout.read = TimeAmount(configuration.idleTimeout)
        http.timeout.write = TimeAmount(configuration.idleTimeout)
        http.tlsConfiguration = tls
        return http
    }

    private static func proxy(_ server: ProxySettings.Server) -> HTTPClient.Configuration.Proxy {
        switch (server.kind, server.login) {
        case (.http, .basic(let username, let password)):
            .server(
                host: server.host,
                port: server.port,
                authorization: .basic(username: username, password: password)
            )
        case (.http, _): .server(host: server.host, port: server.port)
        case (.socks, _): .socksServer(host: server.host, port: server.port)
        }
    }
}
