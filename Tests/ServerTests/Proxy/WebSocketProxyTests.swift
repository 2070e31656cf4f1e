// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import NIOCore
import Testing
import WebSockets

@testable import Server

/// WebSockets to a sandbox, with a client that is ours and with one that looks at each byte.
@Suite(.timeLimit(.minutes(2))) struct WebSocketProxyTests {
    static let path = "/v1/sandboxes/box/proxy/80/ws?x=%20"

    /// RFC 6455, 1.3.
    static let asked = """
        GET \(path) HTTP/1.1\r
        Host: api.example\r
        Connection: keep-alive, Upgrade\r
        Upgrade: websocket\r
        Sec-WebSocket-Version: 13\r
        Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r
        Sec-WebSocket-Protocol: one, two\r
        Sec-WebSocket-Extensions: permessage-deflate\r
        Cookie: secret\r
        \r

        """

    static let answered = """
        HTTP/1.1 101 Switching Protocols\r
        Connection: Upgrade\r
        Upgrade: websocket\r
        Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r
        Sec-WebSocket-Protocol: two\r
        Sec-WebSocket-Extensions: permessage-deflate\r
        \r

        """

    @Test func handsTheHandshakeOn() async throws {
        try await ProxiedAPI.with { wire async throws in
            let head = try await wire.readHead()
            #expect(head.start == "GET /ws?x=%20 HTTP/1.1")
            #expect(head["connection"] == "Upgrade" && head["upgrade"] == "websocket")
            #expect(head["sec-websocket-key"] == "dGhlIHNhbXBsZSBub25jZQ==")
            #expect(head["sec-websocket-protocol"] == "one, two")
            #expect(head["x-forwarded-host"] == "api.example")
            #expect(head.all("cookie") == [])
            // The first frames may come right behind the answer, and the end right behind them.
            try await wire.send(Self.answered + "\u{01}frames")
        } test: { proxied async throws in
            try await Wire.connect(proxied.port) { wire async throws in
                try await wire.send(Self.asked)
                let head = try await wire.readHead()
                #expect(head.status == 101)
                #expect(head["connection"] == "Upgrade" && head["upgrade"] == "websocket")
                #expect(head["sec-websocket-accept"] == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=")
                #expect(head["sec-websocket-protocol"] == "two")
                #expect(head["sec-websocket-extensions"] == "permessage-deflate")
                #expect(try await wire.readToEnd() == "\u{01}frames")
            }
        }
    }

    @Test func aRefusalIsHandedOn() async throws {
        try await ProxiedAPI.with { wire async throws in
            _ = try await wire.readHead()
            try await wire.send("HTTP/1.1 403 Not You\r\nContent-Length: 2\r\nX-A: b\r\n\r\nno")
        } test: { proxied async throws in
            let client = WebSocketClient(host: "127.0.0.1", port: proxied.port)
            let error = await #expect(throws: WebSocketError.self) { try await client.connect(Self.path) { _ in } }
            guard case .refused(403, let body) = error else { Issue.record("\(String(describing: error))"); return }
            #expect(String(decoding: body, as: UTF8.self) == "no")
            await proxied.runtime.listen(80, at: "127.0.0.1:1")
            let failed = await #expect(throws: WebSocketError.self) { try await client.connect(Self.path) { _ in } }
            guard case .refused(502, _) = failed else { Issue.record("\(String(describing: failed))"); return }
        }
    }

    /// Bytes that are no frames are none of the proxy's business, and so are frames, pings and closures.
    @Test func bytesPassBothWaysUnchanged() async throws {
        let noise = ByteBuffer(bytes: (0..<300_000).map { UInt8(truncatingIfNeeded: $0 &* 31) })
        let noiseSize = noise.readableBytes
        try await ProxiedAPI.with { wire async throws in
            _ = try await wire.readHead()
            try await wire.send(Self.answered)
            try await wire.send(try await wire.read(noiseSize))
            #expect(try await wire.next() == nil)
        } test: { proxied async throws in
            try await Wire.connect(proxied.port) { wire async throws in
                try await wire.send(Self.asked)
                #expect(try await wire.readHead().status == 101)
                try await wire.send(noise)
                #expect(try await wire.read(noiseSize) == noise)
                wire.finish()
                #expect(try await wire.readToEnd() == "")
            }
        }
    }

    /// Much in one direction while the other side does not read: bounded, and then all of it.
    @Test func aSlowReaderHoldsTheOtherSideUp() async throws {
        let inFlight = Tally()
        let (pieces, piece) = (160, ByteBuffer(bytes: FrameScannerTests.frame(2, 512 << 10, masked: false)))
        try await ProxiedAPI.with { wire async throws in
            _ = try await wire.readHead()
            try await wire.send(Self.answered)
            for _ in 0..<pieces {
                try await wire.send(piece)
                await inFlight.add(piece.readableBytes)
            }
        } test: { proxied async throws in
            try await Wire.connect(proxied.port) { wire async throws in
                try await wire.send(Self.asked)
                _ = try await wire.readHead()
                try await ProxyFlowTests.untilStill(inFlight)
                #expect(await inFlight.value < ProxyFlowTests.bound)
                var count = 0
                while let bytes = try await wire.next() { count += bytes.readableBytes }
                #expect(count == pieces * piece.readableBytes)
            }
        }
    }

    @Test func eachSideHearsWhenTheOtherGoes() async throws {
        let left = Tally()
        try await ProxiedAPI.with { wire async throws in
            _ = try await wire.readHead()
            try await wire.send(Self.answered)
            _ = try? await wire.readToEnd()
            await left.add(1)
        } test: { proxied async throws in
            try await Wire.connect(proxied.port) { wire async throws in
                try await wire.send(Self.asked)
                _ = try await wire.readHead()
            }
            await left.reaches(1)
        }
    }

    @Test func bothSidesHearThatTheServerStops() async throws {
        let (ports, port) = AsyncStream<Int>.makeStream()
        let (open, closed) = (Tally(), Tally())
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                guard let number = await ports.first(where: { _ in true }) else { return }
                try await Wire.connect(number) { wire async throws in
                    try await wire.send(Self.asked)
                    _ = try await wire.readHead()
                    // In the middle of a frame, which is finished before.
                    try await wire.send(ByteBuffer(bytes: FrameScannerTests.frame(2, 1000, masked: true).prefix(500)))
                    await open.add(1)
                    #expect(try await wire.read(4) == FrameScanner.close(code: 1001, mask: nil))
                    // What follows the frame does not pass any more.
                    let rest = FrameScannerTests.frame(2, 1000, masked: true).suffix(508)
                    try await wire.send(ByteBuffer(bytes: rest + FrameScannerTests.frame(2, 9, masked: true)))
                    #expect(try await wire.next() == nil)
                    await closed.add(1)
                }
            }
            try await ProxiedAPI.with { wire async throws in
                _ = try await wire.readHead()
                try await wire.send(Self.answered)
                _ = try await wire.read(500)
                await open.add(1)
                _ = try await wire.read(508)
                let close = Array(try await wire.read(8).readableBytesView)
                #expect(close.prefix(2) == [0x88, 0x82])
                #expect([close[6] ^ close[2], close[7] ^ close[3]] == [0x03, 0xE9])
                await closed.add(1)
            } test: { proxied async throws in
                port.yield(proxied.port)
                await open.reaches(2)
            }
            try await group.waitForAll()
        }
        #expect(await closed.value == 2)
    }

    @Test func aRequestInFlightIsFinishedWhenTheServerStops() async throws {
        let (ports, port) = AsyncStream<Int>.makeStream()
        let (open, stopping) = (Tally(), Tally())
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                guard let number = await ports.first(where: { _ in true }) else { return }
                try await Wire.connect(number) { wire async throws in
                    try await wire.send("GET /sandboxes/box/proxy/80/ HTTP/1.1\r\nHost: h\r\n\r\n")
                    _ = try await wire.read(until: "begun")
                    await open.add(1)
                    await stopping.reaches(1)
                    #expect(try await wire.readToEnd().hasPrefix(" and done"))
                }
            }
            try await ProxiedAPI.with { wire async throws in
                _ = try await wire.readHead()
                try await wire.send("HTTP/1.1 200 OK\r\nContent-Length: 14\r\n\r\nbegun")
                await stopping.reaches(1)
                try await wire.send(" and done")
            } test: { proxied async throws in
                port.yield(proxied.port)
                await open.reaches(1)
                await stopping.add(1)
            }
            try await group.waitForAll()
        }
    }

    @Test func ourOwnClientGetsAlong() async throws {
        try await EchoWebSocketServer.run { upstream async throws in
            try await ProxiedAPI.with { _ in
            } test: { proxied async throws in
                await proxied.runtime.listen(80, at: "127.0.0.1:\(upstream)")
                let client = WebSocketClient(host: "127.0.0.1", port: proxied.port)
                try await client.connect(Self.path, subprotocols: ["echo"]) { socket async throws in
                    #expect(socket.subprotocol == "echo")
                    var messages = socket.messages.makeAsyncIterator()
                    let large = ByteBuffer(repeating: 7, count: 900_000)
                    for message in [WebSocketMessage.text("hello"), .binary(large), .text("")] {
                        try await socket.ping()
                        try await socket.send(message)
                        #expect(try await messages.next() == message)
                    }
                    try await socket.send(.text("close 4001"))
                    let error = await #expect(throws: WebSocketError.self) { try await messages.next() }
                    guard case .closed(let closure) = error else {
                        Issue.record("\(String(describing: error))"); return
                    }
                    #expect(closure.code == 4001)
                }
            }
        }
    }
}
