// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import NIOCore
import NIOHTTP1
import NIOPosix
import Synchronization
import WebSockets

/// A server of WebSockets on a free loopback port. What is no WebSocket is answered with 403 and a `Status`.
struct TestWebSocketServer: Sendable {
    let port: Int
    private let log: Log

    private final class Log: Sendable {
        let requests = Mutex<[HTTPRequestHead]>([])
    }

    var requests: [HTTPRequestHead] { log.requests.withLock { $0 } }

    private enum Outcome: Sendable {
        case open(WebSocketConnection)
        case plain(NIOAsyncChannel<HTTPServerRequestPart, HTTPPart<HTTPResponseHead, ByteBuffer>>)
    }

    /// Runs `body` with a server.
    ///
    /// - Parameters:
    ///   - subprotocol: the one that it chooses, whatever is offered.
    ///   - handler: has a conversation; the WebSocket is closed when it is done.
    @discardableResult
    static func run<Result: Sendable>(
        subprotocol: String? = nil,
        refuses: Bool = false,
        _ handler: @escaping @Sendable (WebSocket) async throws -> Void,
        body: (TestWebSocketServer) async throws -> Result
    ) async throws -> Result {
        let log = Log()
        let listener = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .bind(host: "127.0.0.1", port: 0) { channel in
                channel.eventLoop.makeCompletedFuture {
                    let upgrader = WebSocketUpgrade.server { request, _ in
                        log.requests.withLock { $0.append(request) }
                        return refuses ? .refuse : .accept(subprotocol: subprotocol)
                    } result: { connection, _ in
                        Outcome.open(connection)
                    }
                    let configuration = NIOTypedHTTPServerUpgradeConfiguration<Outcome>(upgraders: [upgrader]) {
                        channel in
                        channel.eventLoop.makeCompletedFuture {
                            try channel.pipeline.syncOperations.addHandler(Bodies())
                            return .plain(try NIOAsyncChannel(wrappingChannelSynchronously: channel))
                        }
                    }
                    return try channel.pipeline.syncOperations.configureUpgradableHTTPServerPipeline(
                        configuration: .init(upgradeConfiguration: configuration)
                    )
                }
            }
        let server = TestWebSocketServer(port: listener.channel.localAddress?.port ?? 0, log: log)
        return try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                try await listener.executeThenClose { connections in
                    try await withThrowingDiscardingTaskGroup { tasks in
                        for try await negotiation in connections {
                            tasks.addTask {
                                switch try? await negotiation.get() {
                                case .open(let connection): try? await connection.run(handler)
                                case .plain(let channel): try? await refuse(channel)
                                case nil: break
                                }
                            }
                        }
                    }
                }
            }
            let result = try await body(server)
            group.cancelAll()
            return result
        }
    }

    private static func refuse(
        _ channel: NIOAsyncChannel<HTTPServerRequestPart, HTTPPart<HTTPResponseHead, ByteBuffer>>
    ) async throws {
        try await channel.executeThenClose { inbound, outbound in
            for try await part in inbound {
                guard case .end = part else { continue }
                let body = ByteBuffer(string: #"{"kind":"Status","code":403,"reason":"Forbidden","message":"not you"}"#)
                let headers: HTTPHeaders = ["Content-Length": "\(body.readableBytes)"]
                try await outbound.write(
                    .head(HTTPResponseHead(version: .http1_1, status: .forbidden, headers: headers))
                )
                try await outbound.write(.body(body))
                try await outbound.write(.end(nil))
            }
        }
    }

    /// NIO's server writes bodies of another type than it reads.
    private final class Bodies: ChannelOutboundHandler {
        typealias OutboundIn = HTTPPart<HTTPResponseHead, ByteBuffer>
        typealias OutboundOut = HTTPServerResponsePart

        func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
            let part: HTTPServerResponsePart =
                switch unwrapOutboundIn(data) {
                case .head(let head): .head(head)
                case .body(let bytes): .body(.byteBuffer(bytes))
                case .end(let trailers): .end(trailers)
                }
            context.write(wrapOutboundOut(part), promise: promise)
        }
    }
}
