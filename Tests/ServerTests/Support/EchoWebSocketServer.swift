// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import NIOCore
import NIOHTTP1
import NIOPosix
import Testing
import WebSockets

/// Says back whatever it is told, and closes with the code that follows `close `.
enum EchoWebSocketServer {
    static func run(_ body: (Int) async throws -> Void) async throws {
        let listener = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .bind(host: "127.0.0.1", port: 0) { channel in
                channel.eventLoop.makeCompletedFuture {
                    let upgrader = WebSocketUpgrade.server { _, subprotocols in
                        .accept(subprotocol: subprotocols.first)
                    } result: { connection, _ in
                        WebSocketConnection?.some(connection)
                    }
                    let configuration = NIOTypedHTTPServerUpgradeConfiguration<WebSocketConnection?>(
                        upgraders: [upgrader]
                    ) { channel in
                        channel.close().map { nil }
                    }
                    return try channel.pipeline.syncOperations.configureUpgradableHTTPServerPipeline(
                        configuration: .init(upgradeConfiguration: configuration)
                    )
                }
            }
        let port = try #require(listener.channel.localAddress?.port)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                try await listener.executeThenClose { connections in
                    try await withThrowingDiscardingTaskGroup { tasks in
                        for try await connection in connections {
                            tasks.addTask { try? await connection.get()?.run(echo) }
                        }
                    }
                }
            }
            defer { group.cancelAll() }
            try await body(port)
        }
    }

    private static func echo(_ socket: WebSocket) async throws {
        for try await message in socket.messages {
            if case .text(let text) = message, text.hasPrefix("close "), let code = UInt16(text.dropFirst(6)) {
                try await socket.close(WebSocketClosure(code: code))
            } else {
                try await socket.send(message)
            }
        }
    }
}
