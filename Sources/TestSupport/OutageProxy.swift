// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import NIOCore
import NIOPosix
import Synchronization

/// A TCP proxy on a free port that can be away for a while, as a server that is started again is: all connections
/// end, and new ones are closed at their first words. It can also leave connections open and pass nothing on, as a network does that has
/// lost one of its ends.
public final class OutageProxy: Sendable {
    private struct State {
        var isAway = false
        var lastConnection = 0
        /// What ends each connection.
        var connections: [Int: any Channel] = [:]
        var total = 0
        /// Connections up to this one pass nothing on any more.
        var lastStalled = 0
        var bytesToClients = 0
    }

    /// Where it listens: `<address>:<port>`.
    public let authority: String
    private let host: String
    private let port: Int
    private let state = Mutex(State())

    private init(authority: String, host: String, port: Int) {
        self.authority = authority
        self.host = host
        self.port = port
    }

    /// Ends all connections, and takes no more.
    public func goAway() {
        let channels = state.withLock { state in
            state.isAway = true
            return Array(state.connections.values)
        }
        for channel in channels { channel.close(promise: nil) }
    }

    /// Ends all connections, and takes new ones.
    public func cutConnections() {
        goAway()
        comeBack()
    }

    /// Takes connections again.
    public func comeBack() { state.withLock { $0.isAway = false } }

    /// Leaves all connections as they are, open, and passes nothing on over them any more. New ones work.
    public func stallConnections() { state.withLock { $0.lastStalled = $0.lastConnection } }

    /// How many bytes it has passed on to clients so far.
    public var bytesToClients: Int { state.withLock(\.bytesToClients) }

    /// How many connections it has passed on so far.
    public var connections: Int { state.withLock(\.total) }

    private typealias Connection = NIOAsyncChannel<ByteBuffer, ByteBuffer>

    /// Runs `body` with a proxy before a server.
    ///
    /// - Parameters:
    ///   - server: Where the server listens, `<address>:<port>`.
    ///   - address: Where the proxy listens, on a free port.
    public static func run<Result: Sendable>(
        before server: String,
        at address: String = "127.0.0.1",
        _ body: (OutageProxy) async throws -> Result
    ) async throws -> Result {
        let parts = server.split(separator: ":")
        let group = MultiThreadedEventLoopGroup.singleton
        let listener = try await ServerBootstrap(group: group)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .bind(host: address, port: 0, childChannelInitializer: wrap)
        let proxy = OutageProxy(
            authority: "\(address):\(listener.channel.localAddress?.port ?? 0)",
            host: parts.first.map(String.init) ?? "",
            port: parts.last.flatMap { Int($0) } ?? 0
        )
        return try await withThrowingTaskGroup(of: Void.self) { tasks in
            tasks.addTask {
                try await listener.executeThenClose { connections in
                    try await withThrowingDiscardingTaskGroup { pairs in
                        for try await client in connections {
                            pairs.addTask { await proxy.serve(client) }
                        }
                    }
                }
            }
            defer { tasks.cancelAll() }
            return try await body(proxy)
        }
    }

    private func serve(_ client: Connection) async {
        let number = state.withLock { state -> Int? in
            guard !state.isAway else { return nil }
            state.lastConnection += 1
            state.total += 1
            state.connections[state.lastConnection] = client.channel
            return state.lastConnection
        }
        defer { if let number { state.withLock { $0.connections[number] = nil } } }
        // Broken connections are what it is for.
        try? await client.executeThenClose { fromClient, toClient in
            guard let number else {
                // With its words unread the kernel would reset the connection: whoever hung up would look like whoever broke off.
                var words = fromClient.makeAsyncIterator()
                _ = try await words.next()
                return
            }
            let upstream = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
                .connect(host: host, port: port, channelInitializer: Self.wrap)
            try await upstream.executeThenClose { fromServer, toServer in
                try await withThrowingTaskGroup(of: Void.self) { ways in
                    ways.addTask {
                        for try await bytes in fromClient {
                            try await self.passThrough(number)
                            try await toServer.write(bytes)
                        }
                    }
                    ways.addTask {
                        for try await bytes in fromServer {
                            try await self.passThrough(number)
                            try await toClient.write(bytes)
                            self.state.withLock { $0.bytesToClients += bytes.readableBytes }
                        }
                    }
                    // Either side's end is the end of both.
                    try await ways.next()
                    ways.cancelAll()
                }
            }
        }
    }

    /// Returns if the connection works; else not before its end.
    private func passThrough(_ number: Int) async throws {
        while state.withLock({ number <= $0.lastStalled }) { try await Task.sleep(for: .seconds(3600)) }
    }

    private static let wrap: @Sendable (any Channel) -> EventLoopFuture<Connection> = { channel in
        channel.eventLoop.makeCompletedFuture { try Connection(wrappingChannelSynchronously: channel) }
    }
}
