// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import NIOCore
import NIOPosix
import Synchronization

/// A TCP proxy on a free port that holds a request of the test's choice back until it is told to go on, and
/// that can be out of order for a while. It also notes what is asked for.
///
/// So a test can stop what speaks to a server at a step, look around, and do something else meanwhile.
public final class HoldingProxy: Sendable {
    /// Which request is held: that whose first line begins with a method and contains a part of the path.
    private struct Plan {
        var method: String
        var part: String
    }

    private struct State {
        var plan: Plan?
        var isHolding = false
        var isBroken = false
        var requests: [String] = []
        var bytes = 0
        var held: [CheckedContinuation<Void, Never>] = []
        var waiting: [CheckedContinuation<Void, Never>] = []
    }

    /// Where it listens: `<address>:<port>`.
    public let authority: String
    private let state = Mutex(State())

    private let server: (host: String, port: Int)

    private init(authority: String, server: (host: String, port: Int)) {
        self.authority = authority
        self.server = server
    }

    /// The methods and paths of all requests so far, in their order.
    public var requests: [String] { state.withLock { $0.requests } }

    /// How many bytes clients have sent so far.
    public var bytesToServer: Int { state.withLock { $0.bytes } }

    /// Holds the next request that fits, once.
    ///
    /// - Parameters:
    ///   - method: `HEAD`, `PUT` and so on.
    ///   - part: what its path contains.
    public func holdOnce(_ method: String, containing part: String) {
        state.withLock { $0.plan = Plan(method: method, part: part) }
    }

    /// Returns when a request is held back, or the task is cancelled.
    public func waitUntilHeld() async {
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let isOver = state.withLock { state in
                    if state.isHolding || Task.isCancelled { return true }
                    state.waiting.append(continuation)
                    return false
                }
                if isOver { continuation.resume() }
            }
        } onCancel: {
            let waiting = state.withLock { state in
                defer { state.waiting = [] }
                return state.waiting
            }
            for waiter in waiting { waiter.resume() }
        }
    }

    /// Lets what is held back go on.
    public func release() {
        let held = state.withLock { state in
            state.isHolding = false
            state.plan = nil
            defer { state.held = [] }
            return state.held
        }
        for continuation in held { continuation.resume() }
    }

    /// Lets what is held back go on, and holds the next request that fits.
    public func releaseAndHold(_ method: String, containing part: String) {
        let held = state.withLock { state in
            state.isHolding = false
            state.plan = Plan(method: method, part: part)
            defer { state.held = [] }
            return state.held
        }
        for continuation in held { continuation.resume() }
    }

    /// Cuts what is held back and every new request, until `repair`.
    public func breakDown() {
        state.withLock { $0.isBroken = true }
        release()
    }

    /// Works again.
    public func repair() {
        state.withLock { $0.isBroken = false }
    }

    private typealias Connection = NIOAsyncChannel<ByteBuffer, ByteBuffer>

    /// Runs `body` with a proxy before a server.
    ///
    /// - Parameters:
    ///   - server: Where the server listens, `<address>:<port>`.
    ///   - address: Where the proxy listens, on a free port.
    public static func run<Result: Sendable>(
        before server: String,
        at address: String = "127.0.0.1",
        _ body: (HoldingProxy) async throws -> Result
    ) async throws -> Result {
        let parts = server.split(separator: ":")
        let group = MultiThreadedEventLoopGroup.singleton
        let listener = try await ServerBootstrap(group: group)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .bind(host: address, port: 0, childChannelInitializer: wrap)
        let proxy = HoldingProxy(
            authority: "\(address):\(listener.channel.localAddress?.port ?? 0)",
            server: (parts.first.map(String.init) ?? "", parts.last.flatMap { Int($0) } ?? 0)
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
            defer {
                proxy.release()
                tasks.cancelAll()
            }
            return try await body(proxy)
        }
    }

    private func serve(_ client: Connection) async {
        // Broken connections are what it is for.
        try? await client.executeThenClose { fromClient, toClient in
            let upstream = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
                .connect(host: server.host, port: server.port, channelInitializer: Self.wrap)
            try await upstream.executeThenClose { fromServer, toServer in
                try await withThrowingTaskGroup(of: Void.self) { ways in
                    ways.addTask {
                        for try await bytes in fromClient {
                            await self.holdIfWanted(bytes)
                            if self.state.withLock({ $0.isBroken }) { throw Cut() }
                            try await toServer.write(bytes)
                        }
                    }
                    ways.addTask {
                        for try await bytes in fromServer { try await toClient.write(bytes) }
                    }
                    // Either side's end is the end of both.
                    try await ways.next()
                    ways.cancelAll()
                }
            }
        }
    }

    private struct Cut: Error {}

    private func holdIfWanted(_ bytes: ByteBuffer) async {
        let line = String(
            decoding: bytes.readableBytesView.prefix { $0 != UInt8(ascii: "\r") }.prefix(2048),
            as: UTF8.self
        )
        let isWanted = state.withLock { state in
            state.bytes += bytes.readableBytes
            if line.hasSuffix(" HTTP/1.1") { state.requests.append(String(line.dropLast(" HTTP/1.1".count))) }
            guard let plan = state.plan, line.hasPrefix("\(plan.method) "), line.contains(plan.part) else {
                return false
            }
            state.plan = nil
            return true
        }
        guard isWanted else { return }
        await withCheckedContinuation { continuation in
            let waiting = state.withLock { state in
                state.isHolding = true
                state.held.append(continuation)
                defer { state.waiting = [] }
                return state.waiting
            }
            for waiter in waiting { waiter.resume() }
        }
    }

    private static let wrap: @Sendable (any Channel) -> EventLoopFuture<Connection> = { channel in
        channel.eventLoop.makeCompletedFuture { try Connection(wrappingChannelSynchronously: channel) }
    }
}
