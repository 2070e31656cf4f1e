// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import HummingbirdTesting
import NIOCore
import NIOEmbedded
import NIOHTTP1
import NIOHTTPTypes
import NIOHTTPTypesHTTP1
import Testing

@testable import Server

/// Connections without a network and with a clock that the test moves.
@Suite struct ConnectionGuardTests {
    private let count = ConnectionCount(limit: 1, ServerMetrics())

    private func connect() throws -> EmbeddedChannel {
        let channel = EmbeddedChannel()
        try channel.pipeline.syncOperations.configureHTTPServerPipeline(withPipeliningAssistance: false)
        try channel.pipeline.syncOperations.addHandler(HTTP1ToHTTPServerCodec(secure: false))
        let handler = ConnectionGuard(count, headTimeout: .seconds(10)) { $0 == "/health" }
        try channel.pipeline.syncOperations.addHandler(handler)
        try channel.connect(to: SocketAddress(ipAddress: "127.0.0.1", port: 1)).wait()
        return channel
    }

    private func send(_ text: String, _ channel: EmbeddedChannel) throws {
        try channel.writeInbound(ByteBuffer(string: text))
    }

    private func answer(_ channel: EmbeddedChannel) throws {
        let head = HTTPResponse(status: .ok, headerFields: [.contentLength: "0"])
        try channel.writeOutbound(HTTPResponsePart.head(head))
        try channel.writeOutbound(HTTPResponsePart.end(nil))
    }

    private func isOpen(_ channel: EmbeddedChannel, after time: TimeAmount) -> Bool {
        channel.embeddedEventLoop.advanceTime(by: time)
        return channel.isActive
    }

    @Test func aHeadThatComesByteByByte() throws {
        let channel = try connect()
        #expect(isOpen(channel, after: .seconds(60)), "nothing has begun")
        for byte in "GET / H" {
            try send(String(byte), channel)
            #expect(isOpen(channel, after: .seconds(1)))
        }
        #expect(isOpen(channel, after: .milliseconds(2900)))
        #expect(!isOpen(channel, after: .milliseconds(100)))
    }

    @Test func aHeadThatComesInTime() throws {
        let channel = try connect()
        for _ in 0..<3 {
            try send("GET / HTTP/1.1\r\n", channel)
            #expect(isOpen(channel, after: .seconds(9)))
            try send("Host: x\r\n\r\n", channel)
            #expect(isOpen(channel, after: .seconds(60)), "the answer may take its time")
            try answer(channel)
            #expect(isOpen(channel, after: .seconds(60)))
        }
        _ = try channel.finish()
    }

    @Test func aBodyThatNobodyWantsAnyMore() throws {
        let channel = try connect()
        try send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n", channel)
        #expect(isOpen(channel, after: .seconds(60)), "its reader decides about it")
        try answer(channel)
        for _ in 0..<9 {
            try send("x", channel)
            #expect(isOpen(channel, after: .seconds(1)))
        }
        #expect(!isOpen(channel, after: .seconds(1)))
    }

    @Test func aTunnelIsLeftAlone() throws {
        let channel = try connect()
        try send("GET / HTTP/1.1\r\nHost: x\r\n\r\n", channel)
        try channel.writeOutbound(HTTPResponsePart.head(HTTPResponse(status: .switchingProtocols)))
        try channel.writeOutbound(HTTPResponsePart.end(nil))
        try? send("\u{1}", channel)
        #expect(isOpen(channel, after: .seconds(60)))
        _ = try? channel.finish()
    }

    @Test func oneTooManyGetsOnlyProbes() throws {
        let first = try connect()
        let second = try connect()
        try send("GET /health HTTP/1.1\r\nHost: x\r\n\r\n", second)
        #expect(try second.readInbound(as: HTTPRequestPart.self) != nil)
        #expect(try second.readInbound(as: HTTPRequestPart.self) == .end(nil))
        try answer(second)
        _ = try second.readOutbound(as: ByteBuffer.self)
        try send("GET /sandboxes HTTP/1.1\r\nHost: x\r\n\r\n", second)
        #expect(try second.readInbound(as: HTTPRequestPart.self) == nil)
        var text = ""
        while let bytes = try second.readOutbound(as: ByteBuffer.self) { text += String(buffer: bytes) }
        #expect(
            text.contains("HTTP/1.1 503 ") && text.lowercased().contains("connection: close")
                && text.contains("limit_connections")
        )
        #expect(!second.isActive)
        _ = try first.finish()
        // There is room again.
        let third = try connect()
        try send("GET /sandboxes HTTP/1.1\r\nHost: x\r\n\r\n", third)
        #expect(try third.readInbound(as: HTTPRequestPart.self) != nil)
        _ = try third.finish()
    }
}
