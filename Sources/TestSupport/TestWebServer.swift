// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

public import NIOCore
public import NIOHTTP1
import NIOPosix
import Synchronization

/// A small HTTP/1.1 server on a free loopback port, for answers that real servers cannot be made to give.
public struct TestWebServer: Sendable {
    /// A request with its whole body.
    public struct Request: Sendable {
        /// The method.
        public var method: HTTPMethod
        /// Path and query as sent.
        public var target: String
        /// The headers.
        public var headers: HTTPHeaders
        /// The body.
        public var body: ByteBuffer
    }

    /// An answer.
    public struct Response: Sendable {
        /// The status.
        public var status: HTTPResponseStatus
        /// The headers; the length is added.
        public var headers: HTTPHeaders
        /// The body.
        public var body: ByteBuffer
        /// How many bytes of the body are sent before the connection is cut; `nil` for all, and no cut.
        public var cut: Int?

        /// Creates an answer.
        public init(
            _ status: HTTPResponseStatus,
            _ headers: HTTPHeaders = [:],
            _ body: ByteBuffer = ByteBuffer(),
            cut: Int? = nil
        ) {
            self.status = status
            self.headers = headers
            self.body = body
            self.cut = cut
        }

        /// Creates an answer with a text.
        public init(_ status: HTTPResponseStatus, _ headers: HTTPHeaders = [:], text: String) {
            self.init(status, headers, ByteBuffer(string: text))
        }
    }

    /// Where it listens: `127.0.0.1:<port>`.
    public let authority: String
    private let log: Log

    /// The requests so far, in the order of their arrival.
    public var requests: [Request] { log.requests.withLock { $0 } }

    private final class Log: Sendable {
        let requests = Mutex<[Request]>([])
    }

    private typealias Connection = NIOAsyncChannel<HTTPServerRequestPart, HTTPPart<HTTPResponseHead, ByteBuffer>>

    /// Runs `body` with a server that answers by `handler`.
    public static func run<Result: Sendable>(
        _ handler: @escaping @Sendable (Request) async throws -> Response,
        body: (TestWebServer) async throws -> Result
    ) async throws -> Result {
        let listener = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .bind(host: "127.0.0.1", port: 0) { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.configureHTTPServerPipeline()
                    try channel.pipeline.syncOperations.addHandler(BufferedBodies())
                    return try Connection(wrappingChannelSynchronously: channel)
                }
            }
        let log = Log()
        let server = TestWebServer(authority: "127.0.0.1:\(listener.channel.localAddress?.port ?? 0)", log: log)
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
        _ handler: @Sendable (Request) async throws -> Response
    ) async throws {
        try await connection.executeThenClose { inbound, outbound in
            var request: Request?
            for try await part in inbound {
                switch part {
                case .head(let head):
                    request = Request(method: head.method, target: head.uri, headers: head.headers, body: ByteBuffer())
                case .body(var bytes):
                    request?.body.writeBuffer(&bytes)
                case .end:
                    guard let complete = request else { return }
                    log.requests.withLock { $0.append(complete) }
                    let response = try await handler(complete)
                    var headers = response.headers
                    if !headers.contains(name: "Content-Length") {
                        headers.add(name: "Content-Length", value: "\(response.body.readableBytes)")
                    }
                    try await outbound.write(
                        .head(HTTPResponseHead(version: .http1_1, status: response.status, headers: headers))
                    )
                    let isHead = complete.method == .HEAD
                    let length = response.cut ?? response.body.readableBytes
                    if !isHead, let bytes = response.body.getSlice(at: response.body.readerIndex, length: length) {
                        try await outbound.write(.body(bytes))
                    }
                    if response.cut != nil { return }
                    try await outbound.write(.end(nil))
                    request = nil
                }
            }
        }
    }

    /// Turns buffers into the parts that NIO's encoder wants.
    private final class BufferedBodies: ChannelOutboundHandler, Sendable {
        typealias OutboundIn = HTTPPart<HTTPResponseHead, ByteBuffer>
        typealias OutboundOut = HTTPServerResponsePart

        func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
            switch unwrapOutboundIn(data) {
            case .head(let head): context.write(wrapOutboundOut(.head(head)), promise: promise)
            case .body(let bytes): context.write(wrapOutboundOut(.body(.byteBuffer(bytes))), promise: promise)
            case .end(let trailers): context.write(wrapOutboundOut(.end(trailers)), promise: promise)
            }
        }
    }
}
