// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Crypto
import NIOCore
import NIOHTTP1
import NIOWebSocket

import struct Foundation.Data

/// Asks a server for a WebSocket, and makes one of the connection when the server agrees.
///
/// NIO's own upgrade loses what a server sends right behind its answer when it also ends the connection right away, as it
/// does after a short command.
final class ClientHandshake: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer
    typealias OutboundOut = ByteBuffer

    enum Outcome: Sendable {
        case open(WebSocketConnection)
        /// The server answered something else; its body is in the channel.
        case refused(Refusal)
    }

    /// An answer that opens no WebSocket.
    struct Refusal: Sendable {
        let status: Int
        let headers: HTTPHeaders
        let body: NIOAsyncChannel<ByteBuffer, Never>
    }

    /// How many bytes the head of an answer may have.
    private static let headLimit = 64 << 10

    private let request: ByteBuffer
    private let key: String
    private let subprotocols: [String]
    private let limits: WebSocketLimits
    private let outcome: EventLoopPromise<Outcome>
    private var received = ByteBuffer()
    private var isDone = false
    private var isSent = false

    /// - Throws: `WebSocketError.invalidAddress` if the target or a header has bytes that end a line.
    init(
        target: String,
        headers: HTTPHeaders,
        subprotocols: [String],
        limits: WebSocketLimits,
        outcome: EventLoopPromise<Outcome>
    ) throws {
        var headers = headers
        key = NIOWebSocketClientUpgrader.randomRequestKey()
        headers.add(name: "Connection", value: "Upgrade")
        headers.add(name: "Upgrade", value: "websocket")
        headers.add(name: "Sec-WebSocket-Version", value: "13")
        headers.add(name: "Sec-WebSocket-Key", value: key)
        if !subprotocols.isEmpty {
            headers.add(name: "Sec-WebSocket-Protocol", value: subprotocols.joined(separator: ", "))
        }
        let lines = ["GET \(target) HTTP/1.1"] + headers.map { "\($0.name): \($0.value)" }
        guard lines.allSatisfy({ !$0.utf8.contains { $0 < 0x20 || $0 == 0x7F } }) else {
            throw WebSocketError.invalidAddress(target)
        }
        request = ByteBuffer(string: lines.joined(separator: "\r\n") + "\r\n\r\n")
        self.subprotocols = subprotocols
        self.limits = limits
        self.outcome = outcome
    }

    func handlerAdded(context: ChannelHandlerContext) {
        if context.channel.isActive { send(context) }
    }

    func channelActive(context: ChannelHandlerContext) {
        send(context)
        context.fireChannelActive()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        if isDone {
            context.fireChannelRead(data)
            return
        }
        received.writeImmutableBuffer(unwrapInboundIn(data))
        let end = received.readableBytesView.firstRange(of: Array("\r\n\r\n".utf8))
        guard let end else {
            if received.readableBytes > Self.headLimit {
                fail(WebSocketError.protocolViolation("the head of its answer does not end"), context)
            }
            return
        }
        do {
            try finish(
                String(decoding: received.readableBytesView[..<end.lowerBound], as: UTF8.self),
                end.upperBound,
                context
            )
        } catch {
            fail(error, context)
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        if isDone { context.fireErrorCaught(error) } else { fail(error, context) }
    }

    func channelInactive(context: ChannelHandlerContext) {
        if !isDone { fail(WebSocketError.connectionLost(cause: nil), context) }
        context.fireChannelInactive()
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        if !isDone { fail(WebSocketError.connectionLost(cause: nil), context) }
    }

    private func send(_ context: ChannelHandlerContext) {
        guard !isSent else { return }
        isSent = true
        context.writeAndFlush(wrapOutboundOut(request), promise: nil)
    }

    private func fail(_ error: any Error, _ context: ChannelHandlerContext) {
        guard !isDone else { return }
        isDone = true
        outcome.fail(error)
        context.close(promise: nil)
    }

    /// Makes of the connection what the answer's head says, and hands on what has come besides.
    private func finish(_ head: String, _ end: Int, _ context: ChannelHandlerContext) throws {
        let lines = head.split(separator: "\r\n", omittingEmptySubsequences: false)
        let words = lines.first?.split(separator: " ", maxSplits: 2) ?? []
        guard words.count >= 2, words[0].hasPrefix("HTTP/1."), let status = Int(words[1]) else {
            throw WebSocketError.protocolViolation("it does not speak HTTP/1.1")
        }
        let headers = try Self.headers(lines.dropFirst())
        let pipeline = context.pipeline.syncOperations
        let result: Outcome
        if status == 101 {
            let chosen = try check(headers)
            received.moveReaderIndex(to: end)
            try pipeline.addHandler(WebSocketFrameEncoder())
            try pipeline.addHandler(ByteToMessageHandler(WebSocketFrameDecoder(maxFrameSize: limits.frameSize)))
            result = .open(
                try WebSocketConnection(context.channel, role: .client, subprotocol: chosen, limits: limits)
            )
        } else {
            received.moveReaderIndex(to: end)
            let body = try NIOAsyncChannel<ByteBuffer, Never>(wrappingChannelSynchronously: context.channel)
            result = .refused(Refusal(status: status, headers: headers, body: body))
        }
        isDone = true
        outcome.succeed(result)
        if received.readableBytes > 0 {
            context.fireChannelRead(wrapInboundOut(received))
            context.fireChannelReadComplete()
        }
        pipeline.removeHandler(self, promise: nil)
    }

    private static func headers(_ lines: ArraySlice<Substring>) throws(WebSocketError) -> HTTPHeaders {
        var headers = HTTPHeaders()
        for line in lines {
            let parts = line.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
            guard parts.count == 2, !parts[0].isEmpty else {
                throw .protocolViolation("a header of its answer is none")
            }
            headers.add(name: String(parts[0]), value: String(parts[1].drop { $0 == " " || $0 == "\t" }))
        }
        return headers
    }

    /// Makes sure that the server has understood (RFC 6455, 4.1).
    ///
    /// - Returns: the subprotocol that it chose.
    private func check(_ headers: HTTPHeaders) throws(WebSocketError) -> String? {
        guard headers[canonicalForm: "Upgrade"].contains(where: { $0.lowercased() == "websocket" }) else {
            throw .protocolViolation("it switches to another protocol")
        }
        let expected = Insecure.SHA1.hash(data: Data("\(key)258EAFA5-E914-47DA-95CA-C5AB0DC85B11".utf8))
        guard headers["Sec-WebSocket-Accept"] == [Data(expected).base64EncodedString()] else {
            throw .protocolViolation("its Sec-WebSocket-Accept is not that of our request")
        }
        let chosen = headers.first(name: "Sec-WebSocket-Protocol")
        if let chosen, !subprotocols.contains(chosen) {
            throw .protocolViolation("it chose a subprotocol that was not offered")
        }
        return chosen
    }
}
