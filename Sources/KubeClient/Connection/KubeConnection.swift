// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import NIOCore
import NIOPosix
import NIOSSL

/// A connection to an API server, which carries one request after the other. From anywhere; all work is done on its event loop.
final class KubeConnection: Sendable {
    /// What it is called in its pool.
    let id: UInt64
    /// As whom it speaks; `nil` without TLS.
    let identity: ClientIdentity?
    private let loop: any EventLoop
    private let handler: NIOLoopBoundBox<ConnectionHandler>

    /// Makes one that is not connected yet.
    init(
        id: UInt64,
        _ address: ServerAddress,
        _ identity: ClientIdentity?,
        _ loop: any EventLoop,
        _ pool: ConnectionPool
    ) {
        self.id = id
        self.identity = identity
        self.loop = loop
        handler = NIOLoopBoundBox.makeBoxSendingValue(
            ConnectionHandler(id: id, address, identity, loop, pool),
            eventLoop: loop
        )
    }

    /// Sends a request, after it has connected if need be, and returns its answer.
    ///
    /// - Throws: ``ConnectionFault``, `CancellationError`, or what TLS or the kernel say.
    func run(_ exchange: Exchange) async throws -> KubeAnswer {
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                loop.execute { self.handler.value.start(exchange, on: self, continuation) }
            }
        } onCancel: {
            cancel(exchange)
        }
    }

    /// Ends it if it is busy with a request that nobody wants any more.
    func cancel(_ exchange: Exchange) {
        exchange.cancel()
        loop.execute { self.handler.value.cancel(exchange) }
    }

    /// Reads more of an answer that is read as it is asked for.
    func goOn(with exchange: Exchange) { loop.execute { self.handler.value.goOn(with: exchange) } }

    /// Ends it, and fails the request that it is busy with.
    func close(_ error: ConnectionFault) { loop.execute { self.handler.value.close(error) } }
}

/// As whom connections are made, and whom they trust.
final class ClientIdentity: Sendable {
    let context: NIOSSLContext
    let certificateChain: [NIOSSLCertificate]
    let privateKey: NIOSSLPrivateKey?

    /// Blocks while the authorities of this machine are read, if they are the ones to trust.
    init(_ authorization: Authorization, _ tls: TLSConfiguration) throws {
        certificateChain = authorization.certificateChain
        privateKey = authorization.privateKey
        var tls = authorization.apply(to: tls)
        tls.applicationProtocols = ["http/1.1"]
        context = try NIOSSLContext(configuration: tls)
    }

    /// Whether somebody is this one.
    func matches(_ authorization: Authorization) -> Bool {
        certificateChain == authorization.certificateChain && privateKey == authorization.privateKey
    }
}

/// Where connections go.
struct ServerAddress: Sendable {
    let host: String
    let port: Int
    /// The name that the server's certificate must have; `nil` for its address.
    let serverName: String?
    let connectTimeout: TimeAmount

    init(_ endpoint: ServerEndpoint, connectTimeout: Duration) {
        host = endpoint.host
        port = endpoint.port
        let name = endpoint.serverName ?? endpoint.host
        // An address is no name, and is compared with the certificate's addresses.
        serverName = (try? SocketAddress(ipAddress: name, port: 0)) == nil ? name : nil
        self.connectTimeout = TimeAmount(connectTimeout)
    }

    /// Connects, without TLS.
    func connect(on loop: any EventLoop) -> EventLoopFuture<any Channel> {
        ClientBootstrap(group: loop).connectTimeout(connectTimeout).connect(host: host, port: port)
    }
}
