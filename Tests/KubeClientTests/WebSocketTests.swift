// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import NIOCore
import NIOHTTP1
import Synchronization
import TestSupport
import Testing
import WebSockets

/// Our client against our server, and against what is none.
struct WebSocketTests {
    private func client(_ port: Int, limits: WebSocketLimits = WebSocketLimits()) -> WebSocketClient {
        WebSocketClient(host: "127.0.0.1", port: port, timeout: .seconds(20), limits: limits)
    }

    @Test func messagesComeBack() async throws {
        var generator = SeededGenerator(seed: 9)
        let blocks = [0, 1, 125, 126, 65535, 65536, 900_000].map { ByteBuffer(bytes: generator.bytes($0)) }
        try await TestWebSocketServer.run(subprotocol: "b") { socket in
            for try await message in socket.messages { try await socket.send(message) }
        } body: { server in
            try await client(server.port).connect("/echo?x=1", headers: ["X-A": "b"], subprotocols: ["a", "b"]) {
                socket in
                #expect(socket.subprotocol == "b")
                var messages = socket.messages.makeAsyncIterator()
                for block in blocks {
                    try await socket.send(.binary(block))
                    #expect(try await messages.next() == .binary(block))
                }
                try await socket.ping()
                try await socket.send(.text("é😀"))
                #expect(try await messages.next() == .text("é😀"))
                try await socket.close()
                #expect(try await messages.next() == nil)
            }
            let head = try #require(server.requests.first)
            #expect(
                head.uri == "/echo?x=1" && head.headers["X-A"] == ["b"]
                    && head.headers["Host"] == ["127.0.0.1:\(server.port)"]
            )
        }
    }

    /// What the server sends right behind its answer, in one packet with it, is not lost.
    @Test func nothingIsLostAtTheBeginning() async throws {
        try await TestWebSocketServer.run { socket in
            for number in 0..<50 { try await socket.send(.text("\(number)")) }
        } body: { server in
            for _ in 0..<20 {
                try await client(server.port).connect("/") { socket in
                    var received: [String] = []
                    for try await case .text(let text) in socket.messages { received.append(text) }
                    #expect(received == (0..<50).map(String.init))
                }
            }
        }
    }

    @Test func aClosureSaysWhy() async throws {
        try await TestWebSocketServer.run { socket in
            try await socket.close(WebSocketClosure(code: 1011, reason: String(repeating: "é", count: 100)))
        } body: { server in
            let error = await #expect(throws: WebSocketError.self) {
                try await client(server.port).connect("/") { socket in for try await _ in socket.messages {} }
            }
            guard case .closed(let closure) = error else {
                Issue.record("\(String(describing: error))")
                return
            }
            #expect(closure.code == 1011 && closure.reason == String(repeating: "é", count: 61))
        }
    }

    @Test func refusalsAreTold() async throws {
        try await TestWebSocketServer.run(refuses: true) { _ in
        } body: { server in
            let error = await #expect(throws: WebSocketError.self) {
                try await client(server.port).connect("/") { _ in }
            }
            guard case .refused(403, let body) = error else {
                Issue.record("\(String(describing: error))")
                return
            }
            #expect(String(decoding: body, as: UTF8.self).contains("not you"))
        }
        await #expect(throws: WebSocketError.self) { try await client(1).connect("no slash") { _ in } }
    }

    @Test func aSubprotocolThatWasNotOfferedIsRefused() async throws {
        try await TestWebSocketServer.run(subprotocol: "c") { _ in
        } body: { server in
            await #expect(throws: (any Error).self) {
                try await client(server.port).connect("/", subprotocols: ["a"]) { _ in }
            }
        }
    }

    @Test func sizesAreBounded() async throws {
        try await TestWebSocketServer.run { socket in
            try await socket.send(.binary(ByteBuffer(repeating: 1, count: 5000)))
            for try await _ in socket.messages {}
        } body: { server in
            for limits in [WebSocketLimits(frameSize: 4000), WebSocketLimits(messageSize: 4000)] {
                let error = await #expect(throws: WebSocketError.self) {
                    try await client(server.port, limits: limits).connect("/") { socket in
                        for try await _ in socket.messages {}
                    }
                }
                guard case .protocolViolation = error else {
                    Issue.record("\(String(describing: error))")
                    continue
                }
            }
        }
    }

    private static let accepting: @Sendable (RawWebServer.Exchange) async throws -> Void = { exchange in
        // The key's hash is not checked here: a wrong one has to be noticed.
        try await exchange.send(
            "HTTP/1.1 101 X\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: AAAAAAAAAAAAAAAAAAAAAAAAAAA=\r\n\r\n"
        )
        try await exchange.hang()
    }

    @Test(arguments: [false, true])
    func whatIsNoWebSocketIsNoticed(_ isSilent: Bool) async throws {
        try await RawWebServer.run { exchange in
            if isSilent { try await exchange.hang() } else { try await Self.accepting(exchange) }
        } body: { server in
            var client = client(server.authority.split(separator: ":").last.flatMap { Int($0) } ?? 0)
            if isSilent { client.timeout = .milliseconds(300) }
            let asking = client
            let error = await #expect(throws: (any Error).self) { try await asking.connect("/") { _ in } }
            if isSilent, case .timeout? = error as? WebSocketError {
            } else if isSilent {
                Issue.record("\(String(describing: error))")
            }
        }
    }

    @Test func cancellationEndsIt() async throws {
        let (began, signal) = AsyncStream.makeStream(of: Void.self)
        try await TestWebSocketServer.run { socket in
            signal.finish()
            for try await _ in socket.messages {}
        } body: { server in
            await withTaskGroup(of: Bool.self) { group in
                group.addTask {
                    do {
                        try await client(server.port).connect("/") { socket in for try await _ in socket.messages {} }
                        return false
                    } catch {
                        return error is CancellationError
                    }
                }
                for await _ in began {}
                group.cancelAll()
                #expect(await group.next() == true)
            }
        }
        // And while nobody answers.
        let (asked, heard) = AsyncStream.makeStream(of: Void.self)
        try await RawWebServer.run { exchange in
            heard.finish()
            try await exchange.hang()
        } body: { server in
            let port = server.authority.split(separator: ":").last.flatMap { Int($0) } ?? 0
            await withTaskGroup(of: Bool.self) { group in
                group.addTask {
                    do {
                        try await client(port).connect("/") { _ in }
                        return false
                    } catch {
                        return error is CancellationError
                    }
                }
                for await _ in asked {}
                group.cancelAll()
                #expect(await group.next() == true)
            }
        }
    }
}
