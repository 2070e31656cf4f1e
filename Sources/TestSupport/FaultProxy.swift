// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import NIOCore
import NIOPosix
import Synchronization

/// A TCP proxy on a free loopback port that cuts connections at a byte of the test's choice.
public final class FaultProxy: Sendable {
    /// Which way bytes go.
    public enum Direction: Sendable {
        /// What the client sends.
        case toServer
        /// What the server answers.
        case toClient
    }

    fileprivate struct Plan {
        var direction: Direction
        var remaining: Int
        /// Counting has not begun until the client sends this.
        var marker: [UInt8]?
    }

    fileprivate struct State {
        var plan: Plan?
        var cuts = 0
    }

    /// Where it listens: `127.0.0.1:<port>`.
    public let authority: String
    private let state = Mutex(State())

    private init(authority: String) { self.authority = authority }

    /// Cuts, once, the connection that carries the next `bytes` bytes of a direction, when it has passed them on.
    ///
    /// - Parameter request: how the request's first line begins from which on bytes are counted, such as `PUT /v2/`;
    ///   `nil` to count from now on.
    public func cutOnce(_ direction: Direction, after bytes: Int, of request: String? = nil) {
        state.withLock {
            $0.plan = Plan(direction: direction, remaining: bytes, marker: request.map { Array($0.utf8) })
        }
    }

    /// How many connections have been cut.
    public var cuts: Int { state.withLock { $0.cuts } }

    private typealias Connection = NIOAsyncChannel<ByteBuffer, ByteBuffer>

    /// Runs `body` with a proxy before a server.
    ///
    /// - Parameter server: where the server listens, `127.0.0.1:<port>`.
    public static func run<Result: Sendable>(
        before server: String,
        _ body: (FaultProxy) async throws -> Result
    ) async throws -> Result {
        let port = server.split(separator: ":").last.flatMap { Int($0) } ?? 0
        let group = MultiThreadedEventLoopGroup.singleton
        let listener = try await ServerBootstrap(group: group)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .bind(host: "127.0.0.1", port: 0, childChannelInitializer: wrap)
        let proxy = FaultProxy(authority: "127.0.0.1:\(listener.channel.localAddress?.port ?? 0)")
        return try await withThrowingTaskGroup(of: Void.self) { tasks in
            tasks.addTask {
                try await listener.executeThenClose { connections in
                    try await withThrowingDiscardingTaskGroup { pairs in
                        for try await client in connections {
                            pairs.addTask {
                                // Broken connections are what it is for.
                                try? await client.executeThenClose { fromClient, toClient in
                                    let upstream = try await ClientBootstrap(group: group)
                                        .connect(host: "127.0.0.1", port: port, channelInitializer: wrap)
                                    try await upstream.executeThenClose { fromServer, toServer in
                                        try await withThrowingTaskGroup(of: Void.self) { ways in
                                            ways.addTask { try await proxy.pass(.toServer, fromClient, toServer) }
                                            ways.addTask { try await proxy.pass(.toClient, fromServer, toClient) }
                                            // Either side's end is the end of both.
                                            try await ways.next()
                                            ways.cancelAll()
                                        }
                                    }
                                }
                            }
                        }
                    }
                }
            }
            let result = try await body(proxy)
            tasks.cancelAll()
            return result
        }
    }

    private static let wrap: @Sendable (any Channel) -> EventLoopFuture<Connection> = { channel in
        channel.eventLoop.makeCompletedFuture { try Connection(wrappingChannelSynchronously: channel) }
    }

    private struct Cut: Error {}

    private func pass(
        _ direction: Direction,
        _ source: NIOAsyncChannelInboundStream<ByteBuffer>,
        _ target: NIOAsyncChannelOutboundWriter<ByteBuffer>
    ) async throws {
        for try await var bytes in source {
            let allowed = state.withLock { $0.allow(bytes, direction) }
            guard let allowed else {
                try await target.write(bytes)
                continue
            }
            if let last = bytes.readSlice(length: allowed), allowed > 0 { try await target.write(last) }
            throw Cut()
        }
    }
}

extension FaultProxy.State {
    /// How many of some bytes may pass before the cut; `nil` if there is no cut in them.
    fileprivate mutating func allow(_ bytes: ByteBuffer, _ direction: FaultProxy.Direction) -> Int? {
        if direction == .toServer, let marker = plan?.marker, bytes.readableBytesView.starts(with: marker) {
            plan?.marker = nil
        }
        guard let current = plan, current.marker == nil, current.direction == direction else { return nil }
        guard bytes.readableBytes >= current.remaining else {
            plan?.remaining -= bytes.readableBytes
            return nil
        }
        plan = nil
        cuts += 1
        return current.remaining
    }
}
