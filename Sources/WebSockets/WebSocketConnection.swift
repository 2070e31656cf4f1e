// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import NIOCore
import NIOWebSocket

/// A connection that has become a WebSocket, and has to be run.
public struct WebSocketConnection: Sendable {
    private let channel: NIOAsyncChannel<WebSocketFrame, WebSocketFrame>
    private let role: WebSocket.Role
    private let subprotocol: String?
    private let limits: WebSocketLimits

    /// Takes a channel over whose pipeline speaks in frames.
    init(
        _ channel: any Channel,
        role: WebSocket.Role,
        subprotocol: String?,
        limits: WebSocketLimits
    ) throws {
        self.channel = try NIOAsyncChannel(wrappingChannelSynchronously: channel)
        self.role = role
        self.subprotocol = subprotocol
        self.limits = limits
    }

    /// Runs `body` with the WebSocket, then closes it and its connection. It must be called, and once.
    ///
    /// - Throws: what `body` throws.
    public func run<Result: Sendable>(_ body: (WebSocket) async throws -> Result) async throws -> Result {
        try await channel.executeThenClose { inbound, outbound in
            let socket = WebSocket(inbound, outbound, role: role, subprotocol: subprotocol, limits: limits)
            do {
                try Task.checkCancellation()
                let result = try await body(socket)
                try? await socket.close()
                return result
            } catch {
                try? await socket.close(WebSocketClosure(code: 1001))
                throw error
            }
        }
    }
}
