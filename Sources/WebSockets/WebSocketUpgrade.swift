// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import NIOCore
public import NIOHTTP1
import NIOWebSocket

/// How a server's connection becomes a WebSocket.
public enum WebSocketUpgrade {
    /// What a request for a WebSocket is answered with.
    public enum Answer: Sendable {
        /// It becomes one, with one of the subprotocols that the client speaks, or without.
        case accept(subprotocol: String? = nil)
        /// It does not; the request is handled like any other.
        case refuse
    }

    /// An upgrader for NIO's HTTP server pipeline.
    ///
    /// - Parameters:
    ///   - limits: how much is taken.
    ///   - decide: looks at a request, with the subprotocols that the client speaks, the best one first. It is asked twice and
    ///     must say the same.
    ///   - result: what the pipeline's owner makes of the connection. It must be run.
    public static func server<Result: Sendable>(
        limits: WebSocketLimits = WebSocketLimits(),
        decide: @escaping @Sendable (_ request: HTTPRequestHead, _ subprotocols: [String]) -> Answer,
        result: @escaping @Sendable (WebSocketConnection, HTTPRequestHead) -> Result
    ) -> any NIOTypedHTTPServerProtocolUpgrader<Result> {
        @Sendable func subprotocol(_ request: HTTPRequestHead) -> Answer {
            decide(request, request.headers[canonicalForm: "Sec-WebSocket-Protocol"].map(String.init))
        }
        // NIO's own handling of errors closes the connection before the error is told.
        return NIOTypedWebSocketServerUpgrader(
            maxFrameSize: limits.frameSize,
            enableAutomaticErrorHandling: false
        ) { channel, request in
            switch subprotocol(request) {
            case .refuse: channel.eventLoop.makeSucceededFuture(nil)
            case .accept(let name):
                channel.eventLoop.makeSucceededFuture(name.map { ["Sec-WebSocket-Protocol": $0] } ?? [:])
            }
        } upgradePipelineHandler: { channel, request in
            channel.eventLoop.makeCompletedFuture {
                var name: String?
                if case .accept(let accepted) = subprotocol(request) { name = accepted }
                let connection = try WebSocketConnection(channel, role: .server, subprotocol: name, limits: limits)
                return result(connection, request)
            }
        }
    }
}
