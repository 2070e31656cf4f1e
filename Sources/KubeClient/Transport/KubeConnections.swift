// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import NIOCore
import NIOSSL
import Synchronization

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
    private let requests: ConnectionPool
    /// For requests that nothing may hold up.
    private let reserved: ConnectionPool
    private let streams: ConnectionPool
    /// Instead of all these, if there is a proxy on the way.
    private let proxied: ProxiedConnections?
    private let identity = Mutex<(generation: Int, identity: ClientIdentity)?>(nil)
    private let identifying = SingleFlight<ClientIdentity>()
    /// How long a watch may be silent.
    private let watchSilence: TimeAmount
    private let requestTimeout: TimeAmount

    /// Makes the pools; nothing is connected yet. `shutdown` is to be called when nobody uses them any more.
    ///
    /// Reads the file with authorities, if there is one, and blocks while it does.
    ///
    /// - Throws: `KubeError` of kind `invalidConfiguration`.
    public init(_ configuration: KubeClientConfiguration) throws(KubeError) {
        endpoint = configuration.server
        tls = try endpoint.tlsConfiguration()
        let address = ServerAddress(endpoint, connectTimeout: configuration.connectTimeout)
        requests = ConnectionPool(address, limit: 128)
        reserved = ConnectionPool(address, limit: 128)
        // A stream keeps its connection for as long as it lasts.
        streams = ConnectionPool(address, limit: 10_000)
        watchSilence = TimeAmount(configuration.watchDuration * 2 + configuration.watchGrace)
        requestTimeout = TimeAmount(configuration.requestTimeout)
        proxied = try endpoint.proxy == nil ? nil : ProxiedConnections(configuration, tls: tls)
    }

    /// Ends all connections.
    public func shutdown() async throws {
        for pool in [requests, reserved, streams] { await pool.shutDown() }
        try await proxied?.shutdown()
    }

    /// Sends a message.
    ///
    /// - Throws: what `KubeTransport.failure` makes errors of.
    func execute(
        _ message: KubeMessage,
        _ authorization: Authorization,
        isReserved: Bool,
        limit: Int
    ) async throws -> KubeAnswer {
        if let proxied { return try await proxied.execute(message, authorization, isReserved: isReserved) }
        let (pool, patience, silence): (ConnectionPool, TimeAmount?, TimeAmount?) =
            switch message.answer {
            case .document, .text: (isReserved ? reserved : requests, requestTimeout, requestTimeout)
            case .watch: (streams, requestTimeout, watchSilence)
            // What says nothing may have nothing to say.
            case .log: (streams, nil, nil)
            }
        let exchange = Exchange(
            message: message.bytes,
            reading: message.answer == .document ? .whole(limit: limit) : .stream,
            patience: patience,
            silence: silence
        )
        return try await pool.run(exchange, as: identity(of: authorization))
    }

    /// As whom connections are made; `nil` without TLS.
    private func identity(of authorization: Authorization) async throws -> ClientIdentity? {
        guard endpoint.scheme == "https" else { return nil }
        if let known = known(authorization) { return known }
        return try await identifying.run {
            if let known = known(authorization) { return known }
            let tls = tls
            let fresh = try await BlockingIO.run { try ClientIdentity(authorization, tls) }
            identity.withLock { $0 = (authorization.generation, fresh) }
            return fresh
        }
    }

    private func known(_ authorization: Authorization) -> ClientIdentity? {
        identity.withLock { known in
            if let known, known.generation == authorization.generation { return known.identity }
            // A new token does not make another one of it.
            guard let same = known?.identity, same.matches(authorization) else { return nil }
            known = (authorization.generation, same)
            return same
        }
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
}
