// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

public import NIOCore
import NIOPosix
public import NIOSSL
import Synchronization

/// A server on a free loopback port whose answers a test writes byte by byte: for what no real server says.
public struct RawWebServer: Sendable {
    /// A request, and what it is answered with.
    public struct Exchange: Sendable {
        /// The first line and the headers, as sent.
        public let head: String
        /// The number of the connection that it came on, from 1.
        public let connection: Int
        fileprivate let outbound: NIOAsyncChannelOutboundWriter<ByteBuffer>
        fileprivate let log: Log

        /// Sends bytes; returns when they are on their way.
        public func send(_ bytes: ByteBuffer) async throws {
            try await outbound.write(bytes)
            log.sent.withLock { $0 += bytes.readableBytes }
        }

        /// Sends a text.
        public func send(_ text: String) async throws { try await send(ByteBuffer(string: text)) }

        /// Sends the head of an answer whose body comes in chunks.
        public func sendHead(_ status: String = "200 OK", type: String = "application/json") async throws {
            try await send("HTTP/1.1 \(status)\r\nContent-Type: \(type)\r\nTransfer-Encoding: chunked\r\n\r\n")
        }

        /// Sends a chunk of such a body; an empty one ends it.
        public func sendChunk(_ text: String) async throws {
            try await send("\(String(text.utf8.count, radix: 16))\r\n\(text)\r\n")
        }

        /// Sends a whole answer.
        public func answer(_ status: String, type: String = "application/json", _ body: String) async throws {
            try await send(
                "HTTP/1.1 \(status)\r\nContent-Type: \(type)\r\nContent-Length: \(body.utf8.count)\r\n\r\n\(body)"
            )
        }

        /// Says nothing until the client goes or the test is over.
        public func hang() async throws { try await Task.sleep(for: .seconds(3600)) }
    }

    fileprivate final class Log: Sendable {
        let heads = Mutex<[String]>([])
        let sent = Mutex(0)
        let connections = Mutex((opened: 0, open: 0))
    }

    /// Where it listens: `127.0.0.1:<port>`.
    public let authority: String
    private let log: Log

    /// The heads of the requests so far.
    public var heads: [String] { log.heads.withLock { $0 } }
    /// How many bytes it has sent.
    public var sent: Int { log.sent.withLock { $0 } }
    /// How many connections are open.
    public var openConnections: Int { log.connections.withLock { $0.open } }

    private typealias Connection = NIOAsyncChannel<ByteBuffer, ByteBuffer>

    /// Runs `body` with a server.
    ///
    /// - Parameters:
    ///   - tls: how it speaks TLS; `nil` for no TLS.
    ///   - handler: answers a request. When it returns, the next request of the connection is read; when it throws, the
    ///     connection is closed.
    @discardableResult
    public static func run<Result: Sendable>(
        tls: TLSConfiguration? = nil,
        _ handler: @escaping @Sendable (Exchange) async throws -> Void,
        body: (RawWebServer) async throws -> Result
    ) async throws -> Result {
        let context = try tls.map { try NIOSSLContext(configuration: $0) }
        let listener = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .bind(host: "127.0.0.1", port: 0) { channel in
                channel.eventLoop.makeCompletedFuture {
                    if let context {
                        try channel.pipeline.syncOperations.addHandler(NIOSSLServerHandler(context: context))
                    }
                    return try Connection(wrappingChannelSynchronously: channel)
                }
            }
        let log = Log()
        let server = RawWebServer(authority: "127.0.0.1:\(listener.channel.localAddress?.port ?? 0)", log: log)
        return try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                try await listener.executeThenClose { connections in
                    try await withThrowingDiscardingTaskGroup { tasks in
                        for try await connection in connections {
                            // A client may go at any time; that is not the server's failure.
                            tasks.addTask { try? await serve(connection, log, handler) }
                        }
                    }
                }
            }
            let result = try await body(server)
            group.cancelAll()
            return result
        }
    }

    private static func serve(
        _ connection: Connection,
        _ log: Log,
        _ handler: @escaping @Sendable (Exchange) async throws -> Void
    ) async throws {
        let number = log.connections.withLock { connections in
            connections.opened += 1
            connections.open += 1
            return connections.opened
        }
        defer { log.connections.withLock { $0.open -= 1 } }
        try await connection.executeThenClose { inbound, outbound in
            // What comes is read beside what is answered, or a client that goes would not be noticed.
            let (heads, requests) = AsyncStream.makeStream(of: String.self)
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask {
                    defer { requests.finish() }
                    var received = ""
                    for try await bytes in inbound {
                        received += String(buffer: bytes)
                        while let end = received.firstRange(of: "\r\n\r\n") {
                            requests.yield(String(received[..<end.lowerBound]))
                            let length =
                                received[..<end.lowerBound].split(separator: "\r\n")
                                .first { $0.lowercased().hasPrefix("content-length:") }
                                .flatMap { Int($0.dropFirst(15).filter(\.isNumber)) } ?? 0
                            received = String(
                                decoding: received[end.upperBound...].utf8.dropFirst(length),
                                as: UTF8.self
                            )
                        }
                    }
                }
                group.addTask {
                    for await head in heads {
                        log.heads.withLock { $0.append(head) }
                        try await handler(Exchange(head: head, connection: number, outbound: outbound, log: log))
                    }
                }
                // Either way's end is the end of both.
                try await group.next()
                group.cancelAll()
            }
        }
    }
}
