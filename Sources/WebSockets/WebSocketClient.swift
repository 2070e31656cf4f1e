// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

public import NIOCore
public import NIOHTTP1
import NIOPosix
public import NIOSSL
import Synchronization

/// What opens a WebSocket from the client's side.
public struct WebSocketClient: Sendable {
    /// Where the server is.
    public var host: String
    /// Its port.
    public var port: Int
    /// How TLS is spoken; `nil` for no TLS.
    public var tls: TLSConfiguration?
    /// The name that the server's certificate must have, if not the host's.
    public var serverName: String?
    /// The longest time until the WebSocket is open.
    public var timeout: Duration
    /// How much is taken.
    public var limits: WebSocketLimits
    /// What else to do with a new connection, such as setting socket options.
    public var configure: @Sendable (any Channel) -> EventLoopFuture<Void>

    /// Creates a client of a server.
    public init(
        host: String,
        port: Int,
        tls: TLSConfiguration? = nil,
        serverName: String? = nil,
        timeout: Duration = .seconds(30),
        limits: WebSocketLimits = WebSocketLimits(),
        configure: @escaping @Sendable (any Channel) -> EventLoopFuture<Void> = {
            $0.eventLoop.makeSucceededVoidFuture()
        }
    ) {
        self.host = host
        self.port = port
        self.tls = tls
        self.serverName = serverName
        self.timeout = timeout
        self.limits = limits
        self.configure = configure
    }

    private struct Negotiation: Sendable {
        let channel: any Channel
        let outcome: EventLoopFuture<ClientHandshake.Outcome>
    }

    /// Opens a WebSocket and runs `body` with it. The connection is closed afterwards.
    ///
    /// - Parameters:
    ///   - target: path and query.
    ///   - headers: headers of the request, besides those of the upgrade. Without a Host it is the server's.
    ///   - subprotocols: those that we speak, the best one first.
    /// - Throws: what `body` throws; `WebSocketError`; errors of NIO and NIOSSL if there is no connection.
    public func connect<Result: Sendable>(
        _ target: String,
        headers: HTTPHeaders = [:],
        subprotocols: [String] = [],
        _ body: (WebSocket) async throws -> Result
    ) async throws -> Result {
        guard target.hasPrefix("/") else { throw WebSocketError.invalidAddress(target) }
        let negotiation = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .connectTimeout(TimeAmount(timeout))
            .connect(host: host, port: port) { channel in
                configure(channel).flatMapThrowing { try negotiate(channel, target, headers, subprotocols) }
            }
        switch try await outcome(of: negotiation) {
        case .open(let connection): return try await connection.run(body)
        case .refused(let channel): throw try await refusal(channel)
        }
    }

    /// Waits for the server's answer. Too late, or not wanted any more, the connection is closed, and that ends the waiting:
    /// so whatever has been opened comes back to be run and closed.
    private func outcome(of negotiation: Negotiation) async throws -> ClientHandshake.Outcome {
        let channel = negotiation.channel
        let isLate = Mutex(false)
        let alarm = channel.eventLoop.scheduleTask(in: TimeAmount(timeout)) { channel.close(promise: nil) }
        defer { alarm.cancel() }
        do {
            return try await withTaskCancellationHandler {
                try await negotiation.outcome.get()
            } onCancel: {
                channel.close(promise: nil)
            }
        } catch {
            try Task.checkCancellation()
            alarm.futureResult.whenSuccess { isLate.withLock { $0 = true } }
            // Its callbacks run where the alarm did.
            try? await channel.eventLoop.submit {}.get()
            if isLate.withLock({ $0 }) { throw WebSocketError.timeout }
            throw error
        }
    }

    /// Prepares a connection; the request is sent when it is made.
    private func negotiate(
        _ channel: any Channel,
        _ target: String,
        _ headers: HTTPHeaders,
        _ subprotocols: [String]
    ) throws -> Negotiation {
        if let tls {
            let context = try NIOSSLContext(configuration: tls)
            let name = serverName ?? host
            // An address is no name, and is compared with the certificate's addresses.
            let isAddress = (try? SocketAddress(ipAddress: name, port: 0)) != nil
            let handler = try NIOSSLClientHandler(context: context, serverHostname: isAddress ? nil : name)
            try channel.pipeline.syncOperations.addHandler(handler)
        }
        var headers = headers
        if !headers.contains(name: "Host") {
            headers.add(name: "Host", value: "\(host.contains(":") ? "[\(host)]" : host):\(port)")
        }
        let outcome = channel.eventLoop.makePromise(of: ClientHandshake.Outcome.self)
        do {
            let handshake = try ClientHandshake(
                target: target,
                headers: headers,
                subprotocols: subprotocols,
                limits: limits,
                outcome: outcome
            )
            try channel.pipeline.syncOperations.addHandler(handshake)
        } catch {
            outcome.fail(error)
            throw error
        }
        return Negotiation(channel: channel, outcome: outcome.futureResult)
    }

    /// Reads what the server answered instead.
    private func refusal(_ answer: ClientHandshake.Refusal) async throws -> WebSocketError {
        let socket = answer.body.channel
        let alarm = socket.eventLoop.scheduleTask(in: TimeAmount(timeout)) { socket.close(promise: nil) }
        defer { alarm.cancel() }
        return try await answer.body.executeThenClose { inbound, _ in
            var body = RefusalBody(answer.headers)
            for try await bytes in inbound {
                body.add(bytes)
                if body.isComplete { break }
            }
            return .refused(status: answer.status, body: body.bytes)
        }
    }
}
