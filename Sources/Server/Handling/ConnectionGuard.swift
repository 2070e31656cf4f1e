// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import NIOCore
import NIOHTTPTypes
import Synchronization

/// How many connections there are, and how many there may be.
final class ConnectionCount: Sendable {
    private let open = Atomic(0)
    /// 0 for any number.
    private let limit: Int
    private let metrics: ServerMetrics

    init(limit: Int, _ metrics: ServerMetrics) {
        self.limit = limit
        self.metrics = metrics
    }

    /// Counts one more, and answers whether it is one too many.
    func enter() -> Bool {
        metrics.connectionOpened()
        let before = open.wrappingAdd(1, ordering: .relaxed).oldValue
        return limit > 0 && before >= limit
    }

    func leave() {
        metrics.connectionClosed()
        open.wrappingSubtract(1, ordering: .relaxed)
    }

    func refused(_ reason: String) {
        metrics.connectionRefused(reason)
    }
}

/// Ends connections that cost more than they bring: one too many, and one whose client takes its time with a request.
///
/// A client has ``ServerConfiguration/HTTP/headTimeout`` from the first byte of a request's head to its last one, and as
/// much again for what is left of a body after the response has been sent. How long a body may take that is still wanted is
/// its reader's to say. Stands between HTTP's codecs and the requests' own handlers.
final class ConnectionGuard: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPRequestPart
    typealias OutboundIn = HTTPResponsePart
    typealias OutboundOut = HTTPResponsePart

    private let count: ConnectionCount
    private let headTimeout: TimeAmount
    private let isProbe: (Substring) -> Bool
    private var isCounted = false
    private var isTooMany = false
    private var isRefusing = false
    /// Whether the connection speaks another protocol by now.
    private var isTunnel = false
    /// Ends the connection if a head, or what is left of a body, does not come in by then.
    private var alarm: Scheduled<Void>?
    private var requestsBegun = 0
    private var requestsEnded = 0
    private var responsesEnded = 0

    init(_ count: ConnectionCount, headTimeout: TimeAmount, isProbe: @escaping (Substring) -> Bool) {
        self.count = count
        self.headTimeout = headTimeout
        self.isProbe = isProbe
    }

    func handlerAdded(context: ChannelHandlerContext) {
        // Bytes are seen before they are a request.
        let early = FirstByte { [weak self] in self?.bytesCame(context) }
        try? context.pipeline.syncOperations.addHandler(early, position: .first)
        if context.channel.isActive { enter() }
    }

    func channelActive(context: ChannelHandlerContext) {
        enter()
        context.fireChannelActive()
    }

    private func enter() {
        guard !isCounted else { return }
        isCounted = true
        isTooMany = count.enter()
    }

    func channelInactive(context: ChannelHandlerContext) {
        leave()
        context.fireChannelInactive()
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        leave()
    }

    private func leave() {
        alarm?.cancel()
        alarm = nil
        if isCounted { count.leave() }
        isCounted = false
    }

    // MARK: Time

    private func bytesCame(_ context: ChannelHandlerContext) {
        // Between two requests, bytes are the beginning of a head.
        if !isTunnel, alarm == nil, requestsBegun == requestsEnded { watch("slow head", context) }
    }

    private func watch(_ reason: String, _ context: ChannelHandlerContext) {
        alarm?.cancel()
        alarm = context.eventLoop.assumeIsolated().scheduleTask(in: headTimeout) {
            self.count.refused(reason)
            context.close(promise: nil)
        }
    }

    private func stopWatching() {
        alarm?.cancel()
        alarm = nil
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard !isRefusing else { return }
        switch unwrapInboundIn(data) {
        case .head(let head):
            requestsBegun += 1
            stopWatching()
            if isTooMany, !isProbe((head.path ?? "").prefix { $0 != "?" }) { return refuse(context) }
        case .body: break
        case .end:
            requestsEnded += 1
            stopWatching()
        }
        context.fireChannelRead(data)
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        switch unwrapOutboundIn(data) {
        case .head(let head): if head.status == .switchingProtocols { isTunnel = true }
        case .body: break
        case .end:
            responsesEnded += 1
            // What follows of this request is read only to find the next one.
            if !isTunnel, responsesEnded > requestsEnded { watch("slow body", context) }
        }
        context.write(data, promise: promise)
    }

    // MARK: One too many

    private func refuse(_ context: ChannelHandlerContext) {
        isRefusing = true
        count.refused("too many")
        let body = ByteBuffer(string: Self.refusal)
        let fields: HTTPFields = [
            .contentType: "application/json", .contentLength: "\(body.readableBytes)", .retryAfter: "1",
            .connection: "close",
        ]
        context.write(
            wrapOutboundOut(.head(HTTPResponse(status: .serviceUnavailable, headerFields: fields))),
            promise: nil
        )
        context.write(wrapOutboundOut(.body(body)), promise: nil)
        context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
        context.close(promise: nil)
    }

    private static let refusal = """
        {"code":"GENERAL::UNKNOWN_ERROR","message":"The server has as many connections as it is allowed to \
        (server.limit_connections). Try again."}
        """
}

@available(*, unavailable)
extension ConnectionGuard: Sendable {}

/// Sees bytes come in.
private final class FirstByte: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = ByteBuffer

    private let seen: () -> Void

    init(_ seen: @escaping () -> Void) {
        self.seen = seen
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        seen()
        context.fireChannelRead(data)
    }
}

@available(*, unavailable)
extension FirstByte: Sendable {}
