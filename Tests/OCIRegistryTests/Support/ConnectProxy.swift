// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import NIOCore
import NIOPosix
import Synchronization

/// An HTTP proxy that knows `CONNECT` and leads every connection to one server, wherever it should have gone.
final class ConnectProxy: Sendable {
    let authority: String
    private let log = Mutex<[String]>([])
    private let login: String?

    /// What was asked for: `registry.example:443`.
    var targets: [String] { log.withLock { $0 } }

    private typealias Connection = NIOAsyncChannel<ByteBuffer, ByteBuffer>

    private init(authority: String, login: String?) {
        self.authority = authority
        self.login = login
    }

    /// Runs `body` with a proxy.
    ///
    /// - Parameter login: the `Proxy-Authorization` that it wants.
    static func run(
        to server: String,
        login: String? = nil,
        _ body: (ConnectProxy) async throws -> Void
    ) async throws {
        let port = server.split(separator: ":").last.flatMap { Int($0) } ?? 0
        let listener = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .bind(host: "127.0.0.1", port: 0, childChannelInitializer: wrap)
        let authority = "127.0.0.1:\(listener.channel.localAddress?.port ?? 0)"
        let proxy = ConnectProxy(authority: authority, login: login)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                try await listener.executeThenClose { connections in
                    try await withThrowingDiscardingTaskGroup { tasks in
                        for try await connection in connections {
                            tasks.addTask { try? await proxy.serve(connection, port: port) }
                        }
                    }
                }
            }
            try await body(proxy)
            group.cancelAll()
        }
    }

    private static let wrap: @Sendable (any Channel) -> EventLoopFuture<Connection> = { channel in
        channel.eventLoop.makeCompletedFuture { try Connection(wrappingChannelSynchronously: channel) }
    }

    private func serve(_ client: Connection, port: Int) async throws {
        try await client.executeThenClose { fromClient, toClient in
            var iterator = fromClient.makeAsyncIterator()
            var head = ""
            while !head.hasSuffix("\r\n\r\n"), let bytes = try await iterator.next() { head += String(buffer: bytes) }
            let lines = head.split(separator: "\r\n")
            let words = lines.first?.split(separator: " ") ?? []
            guard words.count == 3, words[0] == "CONNECT" else { return }
            if let login, !lines.contains(where: { $0.lowercased() == "proxy-authorization: \(login)".lowercased() }) {
                try await toClient.write(ByteBuffer(string: "HTTP/1.1 407 No\r\nContent-Length: 0\r\n\r\n"))
                return
            }
            log.withLock { $0.append(String(words[1])) }
            let upstream = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
                .connect(host: "127.0.0.1", port: port, channelInitializer: Self.wrap)
            try await upstream.executeThenClose { fromServer, toServer in
                try await toClient.write(ByteBuffer(string: "HTTP/1.1 200 OK\r\n\r\n"))
                try await withThrowingTaskGroup(of: Void.self) { ways in
                    ways.addTask { for try await bytes in fromServer { try await toClient.write(bytes) } }
                    while let bytes = try await iterator.next() { try await toServer.write(bytes) }
                    ways.cancelAll()
                }
            }
        }
    }
}
