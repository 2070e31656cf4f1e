// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import KubeModels
import NIOCore
import NIOHTTP1
import TestSupport
import Testing
import WebSockets

@testable import KubeClient

struct ExecTests {
    private static func message(_ channel: UInt8, _ text: String) -> WebSocketMessage {
        .binary(ByteBuffer(bytes: [channel] + text.utf8))
    }

    private static let success = message(3, #"{"status":"Success","metadata":{}}"#)

    private func run(
        subprotocol: String? = "v4.channel.k8s.io",
        _ handler: @escaping @Sendable (WebSocket) async throws -> Void,
        body: (ResourceClient<Pod>, TestWebSocketServer) async throws -> Void
    ) async throws {
        try await TestWebSocketServer.run(subprotocol: subprotocol, handler) { server in
            try await withTestClient("http://127.0.0.1:\(server.port)", credentials: .init(token: .literal("t"))) {
                client,
                _ in
                try await body(client.resource(), server)
            }
        }
    }

    @Test func runsACommandToItsEnd() async throws {
        try await run { socket in
            for channel: UInt8 in [0, 1, 2, 3] { try await socket.send(Self.message(channel, "")) }
            try await socket.send(Self.message(1, "out"))
            try await socket.send(Self.message(2, "err"))
            try await socket.send(Self.message(77, "what is this"))
            try await socket.send(.binary(ByteBuffer()))
            try await socket.send(Self.message(1, "put"))
            try await socket.send(
                Self.message(
                    3,
                    #"{"status":"Failure","reason":"NonZeroExitCode","details":{"causes":[{"reason":"ExitCode","message":"7"}]}}"#
                )
            )
        } body: { pods, server in
            let result = try await pods.exec(in: "web", ["sh", "-c", "a b&c"], container: "main")
            #expect(
                result.exit.code == 7 && String(buffer: result.output) == "output"
                    && String(buffer: result.error) == "err"
            )
            let head = try #require(server.requests.first)
            #expect(
                head.uri
                    == "/api/v1/namespaces/team/pods/web/exec?command=sh&command=-c&command=a%20b%26c&container=main&stdout=true&stderr=true"
            )
            #expect(head.headers["Authorization"] == ["Bearer t"])
            #expect(head.headers["Sec-WebSocket-Protocol"] == ["v5.channel.k8s.io, v4.channel.k8s.io"])
        }
    }

    @Test func talksToACommand() async throws {
        try await run(subprotocol: "v5.channel.k8s.io") { socket in
            for try await case .binary(let bytes) in socket.messages {
                let message = Array(bytes.readableBytesView)
                // What it hears it tells, until its input ends.
                if message == [255, 0] { break }
                try await socket.send(
                    .binary(ByteBuffer(bytes: [1, UInt8(ascii: "0") + message[0], UInt8(ascii: ":")] + message[1...]))
                )
            }
            try await socket.send(Self.success)
        } body: { pods, _ in
            let options = ExecOptions(hasInput: true, hasTerminal: true)
            let said = try await pods.exec(in: "web", ["cat"], options) { session in
                try await session.write(ByteBuffer(string: "hello"))
                try await session.resize(columns: 80, rows: 24)
                try await session.closeInput()
                var said: [String] = []
                for try await event in session.events {
                    switch event {
                    case .output(let bytes): said.append(String(buffer: bytes))
                    case .error: said.append("error")
                    case .exited(let exit): said.append("exit \(exit.code)")
                    }
                }
                return said
            }
            #expect(said == ["0:hello", #"4:{"Height":24,"Width":80}"#, "exit 0"])
        }
    }

    @Test func anOldServerCannotEndTheInput() async throws {
        try await run {
            try await $0.send(Self.success)
        } body: { pods, _ in
            try await pods.exec(in: "web", ["cat"], ExecOptions(hasInput: true)) { session in
                _ = await #expect(throws: KubeError.self) { try await session.closeInput() }
            }
        }
    }

    @Test(arguments: [
        ("", KubeError.Kind.unexpectedAnswer), ("not JSON", .malformedAnswer),
        (#"{"status":"Failure","message":"no such container"}"#, .serverFault),
        (
            #"{"status":"Failure","reason":"NonZeroExitCode","details":{"causes":[{"reason":"ExitCode","message":"x"}]}}"#,
            .serverFault
        ),
    ])
    func anEndThatSaysNothingIsAnError(_ end: String, _ kind: KubeError.Kind) async throws {
        try await run {
            try await $0.send(Self.message(3, end))
        } body: { pods, _ in
            let error = await #expect(throws: KubeError.self) { try await pods.exec(in: "web", ["true"]) }
            #expect(error?.kind == kind, "\(error.map(\.description) ?? "")")
        }
    }

    @Test func outputIsBounded() async throws {
        try await run { socket in
            while true { try await socket.send(Self.message(1, String(repeating: "x", count: 10_000))) }
        } body: { pods, _ in
            let error = await #expect(throws: KubeError.self) {
                try await pods.exec(in: "web", ["yes"], outputLimit: 100_000)
            }
            #expect(error?.kind == .tooLarge)
        }
    }

    @Test func refusalsAreTyped() async throws {
        try await TestWebSocketServer.run(refuses: true) { _ in
        } body: { server in
            try await withTestClient("http://127.0.0.1:\(server.port)") { client, _ in
                let error = await #expect(throws: KubeError.self) {
                    try await client.resource(Pod.self).exec(in: "web", ["true"])
                }
                #expect(error?.kind == .forbidden && error?.reason == "not you", "\(error.map(\.description) ?? "")")
            }
        }
        try await RawWebServer.run { _ in
            throw CancellationError()
        } body: { server in
            try await withTestClient("http://\(server.authority)") { client, _ in
                let error = await #expect(throws: KubeError.self) {
                    try await client.resource(Pod.self).exec(in: "web", ["true"])
                }
                #expect(error?.kind == .unreachable, "\(error.map(\.description) ?? "")")
            }
        }
    }

    @Test func readsLogs() async throws {
        try await RawWebServer.run { exchange in
            try await exchange.sendHead(type: "text/plain")
            try await exchange.sendChunk("one\ntw")
            try await exchange.sendChunk("o\r\n\nlast")
            try await exchange.sendChunk("")
        } body: { server in
            try await withTestClient("http://\(server.authority)") { client, _ in
                let options = LogOptions(
                    container: "c",
                    isFollowing: true,
                    tailLines: 5,
                    since: Timestamp(seconds: 0),
                    hasTimestamps: true
                )
                let log = try await client.resource(Pod.self).log(of: "web", options)
                var lines: [String] = []
                for try await line in log.lines { lines.append(line) }
                #expect(lines == ["one", "two", "", "last"])
            }
            let target =
                "/api/v1/namespaces/team/pods/web/log?container=c&follow=true&tailLines=5&sinceTime=1970-01-01T00%3A00%3A00Z&timestamps=true"
            #expect(server.heads.first?.hasPrefix("GET \(target) ") == true, "\(server.heads)")
        }
        try await RawWebServer.run { exchange in
            try await exchange.sendHead(type: "text/plain")
            try await exchange.sendChunk("one\n")
            throw CancellationError()
        } body: { server in
            try await withTestClient("http://\(server.authority)") { client, _ in
                let log = try await client.resource(Pod.self).log(of: "web")
                var lines: [String] = []
                let error = await #expect(throws: KubeError.self) {
                    for try await line in log.lines { lines.append(line) }
                }
                #expect(lines == ["one"] && error?.kind == .unreachable)
            }
        }
    }
}
