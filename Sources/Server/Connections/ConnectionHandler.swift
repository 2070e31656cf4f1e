// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import NIOCore
import NIOHTTP1

/// Minds one client's connection: how responses end, when it is closed, and whether the client is still there.
///
/// It stands between HTTP's decoder and everything that speaks in hummingbird's types, because only here are a request's
/// version and the headers of its connection known.
final class ConnectionHandler: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias InboundOut = HTTPServerRequestPart
    typealias OutboundIn = HTTPServerResponsePart
    typealias OutboundOut = HTTPServerResponsePart

    /// A request whose response has not ended.
    private struct Exchange {
        var isHead: Bool
        var isProxied: Bool
        /// Whether the client can tell where a body ends that comes in chunks.
        var takesChunks: Bool
        /// Whether the connection ends with the response.
        var isLast: Bool
    }

    private let client: ClientConnection
    private let idleTimeout: TimeAmount
    private var exchanges = CircularBuffer<Exchange>()
    private var isReading = false
    private var isStopping = false
    private var isTunnel = false
    private var sawInputClosed = false
    private var lastActivity = NIODeadline.now()
    private var alarm: Scheduled<Void>?

    /// How long a client may take to read its last response and close.
    private static let linger = TimeAmount.seconds(2)

    init(client: ClientConnection, idleTimeout: TimeAmount) {
        self.client = client
        self.idleTimeout = idleTimeout
    }

    // MARK: - Requests

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        lastActivity = .now()
        switch unwrapInboundIn(data) {
        case .head(let head):
            isReading = true
            exchanges.append(Self.exchange(head))
        case .body: break
        case .end:
            isReading = false
            client.requestEnded()
        }
        context.fireChannelRead(data)
    }

    private static func exchange(_ head: HTTPRequestHead) -> Exchange {
        let connection = head.headers["Connection"]
        // The decoder stops at what may be the beginning of another protocol.
        let isUpgrade =
            head.method == .CONNECT
            || head.headers.contains(name: "Upgrade") && ProxyHeaders.list(connection, has: "upgrade")
        return Exchange(
            isHead: head.method == .HEAD,
            isProxied: ProxyPath.isMeant(by: head.uri),
            takesChunks: head.version.minor > 0,
            isLast: isUpgrade || !head.isKeepAlive
        )
    }

    // MARK: - Responses

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        guard !isTunnel else {
            // The end of the response that began the tunnel.
            promise?.succeed(())
            return
        }
        switch unwrapOutboundIn(data) {
        case .head(var head):
            if head.status == .switchingProtocols {
                isTunnel = true
            } else if head.status.code >= 200 {
                frame(&head)
            }
            context.write(wrapOutboundOut(.head(head)), promise: promise)
        case .body: context.write(data, promise: promise)
        case .end:
            lastActivity = .now()
            client.responseEnded()
            let isLast = exchanges.popFirst()?.isLast ?? true
            if isLast || isStopping && exchanges.isEmpty {
                context.writeAndFlush(data, promise: promise)
                closeWhenRead(context)
            } else {
                context.write(data, promise: promise)
            }
        }
    }

    /// Makes sure that a client can tell where a response ends (RFC 9112, 6.3).
    private func frame(_ head: inout HTTPResponseHead) {
        head.headers.remove(name: "Transfer-Encoding")
        guard var exchange = exchanges.first else {
            // To what was no request.
            head.headers.replaceOrAdd(name: "Connection", value: "close")
            return
        }
        if head.status == .noContent {
            head.headers.remove(name: "Content-Length")
        } else if head.status != .notModified, !exchange.isHead, !head.headers.contains(name: "Content-Length") {
            if exchange.takesChunks {
                head.headers.add(name: "Transfer-Encoding", value: "chunked")
            } else {
                exchange.isLast = true
            }
        }
        if ProxyHeaders.list(head.headers["Connection"], has: "close") { exchange.isLast = true }
        exchanges[exchanges.startIndex] = exchange
        if exchange.isLast || isStopping && exchanges.count == 1 {
            head.headers.replaceOrAdd(name: "Connection", value: "close")
        }
    }

    /// Closes the connection once the client has had time to read: closing while it sends would take its response away.
    private func closeWhenRead(_ context: ChannelHandlerContext) {
        guard !sawInputClosed else { return context.close(promise: nil) }
        isStopping = true
        context.close(mode: .output, promise: nil)
        schedule(in: Self.linger, context) { $0.close(promise: nil) }
    }

    // MARK: - Time

    func handlerAdded(context: ChannelHandlerContext) {
        if context.channel.isActive { watch(context) }
    }

    func channelActive(context: ChannelHandlerContext) {
        lastActivity = .now()
        watch(context)
        context.fireChannelActive()
    }

    private func watch(_ context: ChannelHandlerContext) {
        let deadline = lastActivity + idleTimeout
        schedule(in: max(deadline - .now(), .milliseconds(1)), context) { context in
            if self.isIdle, self.lastActivity + self.idleTimeout <= .now() {
                context.close(promise: nil)
            } else {
                if !self.isIdle { self.lastActivity = .now() }
                self.watch(context)
            }
        }
    }

    /// Whether it is the client's turn. A request that goes to a sandbox may pause as the two of them like, and a response
    /// takes what it takes.
    private var isIdle: Bool {
        guard !isTunnel else { return false }
        guard let newest = exchanges.last else { return true }
        return isReading && !newest.isProxied
    }

    private func schedule(
        in time: TimeAmount,
        _ context: ChannelHandlerContext,
        _ action: @escaping (ChannelHandlerContext) -> Void
    ) {
        alarm?.cancel()
        alarm = context.eventLoop.assumeIsolated().scheduleTask(in: time) { action(context) }
    }

    // MARK: - The end

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        switch event {
        case is ChannelShouldQuiesceEvent:
            isStopping = true
            if exchanges.isEmpty { context.close(promise: nil) }
        case ChannelEvent.inputClosed:
            sawInputClosed = true
            client.clientLeft()
            context.fireUserInboundEventTriggered(event)
        default: context.fireUserInboundEventTriggered(event)
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        // What follows is no request, so it cannot be answered, and there is no use in reading on.
        client.clientLeft()
        context.fireErrorCaught(error)
    }

    func channelInactive(context: ChannelHandlerContext) {
        client.clientLeft()
        alarm?.cancel()
        context.fireChannelInactive()
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        alarm?.cancel()
    }
}

@available(*, unavailable)
extension ConnectionHandler: Sendable {}
