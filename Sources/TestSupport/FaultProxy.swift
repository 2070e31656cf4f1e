// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import NIOCore
import NIOPosix
import Synchronization

/// A TCP proxy on a free loopback port that does to connections what networks do: it cuts them at a byte of the test's
/// choice, or drops, delays, truncates, reorders and corrupts by chance.
public final class FaultProxy: Sendable {
    /// Which way bytes go.
    public enum Direction: Sendable {
        /// What the client sends.
        case toServer
        /// What the server answers.
        case toClient
    }

    fileprivate struct State {
        fileprivate var cut: PlannedCut?
        var cuts = 0
        var rates: FaultRates?
        var injected: [Fault: Int] = [:]
        var connections = 0
        /// Pieces that wait to be overtaken, by their connections.
        var waiting: [(connection: Int, signal: AsyncStream<Void>.Continuation)] = []
    }

    /// Where it listens: `127.0.0.1:<port>`.
    public let authority: String
    private let state = Mutex(State())
    private let port: Int

    private init(authority: String, port: Int) {
        self.authority = authority
        self.port = port
    }

    /// Cuts the connection that carries the next `bytes` bytes of a direction, when it has passed them on.
    ///
    /// - Parameters:
    ///   - request: how the request's first line begins from which on bytes are counted, such as `PUT /v2/`; `nil` to
    ///     count from now on.
    ///   - times: how many connections are cut, one after the other; for each it is counted anew.
    public func cut(_ direction: Direction, after bytes: Int, of request: String? = nil, times: Int = 1) {
        let marker = request.map { Array($0.utf8) }
        state.withLock {
            $0.cut = PlannedCut(direction: direction, bytes: bytes, marker: marker, times: times)
        }
    }

    /// How many connections have been cut.
    public var cuts: Int { state.withLock { $0.cuts } }

    /// Lets faults happen by chance from now on; with `nil`, no more. Connections keep the rates that they began with.
    public func inject(_ rates: FaultRates?) { state.withLock { $0.rates = rates } }

    /// How many faults have happened by chance.
    public var injected: [Fault: Int] { state.withLock { $0.injected } }

    private typealias Connection = NIOAsyncChannel<ByteBuffer, ByteBuffer>

    /// Runs `body` with a proxy before a server.
    ///
    /// - Parameter server: where the server listens, `127.0.0.1:<port>`.
    public static func run<Result: Sendable>(
        before server: String,
        _ body: (FaultProxy) async throws -> Result
    ) async throws -> Result {
        let port = server.split(separator: ":").last.flatMap { Int($0) } ?? 0
        let listener = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .bind(host: "127.0.0.1", port: 0, childChannelInitializer: wrap)
        let authority = "127.0.0.1:\(listener.channel.localAddress?.port ?? 0)"
        let proxy = FaultProxy(authority: authority, port: port)
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
            let result = try await body(proxy)
            tasks.cancelAll()
            return result
        }
    }

    private func serve(_ client: Connection) async {
        let (number, rates) = state.withLock { state in
            state.connections += 1
            return (state.connections, state.rates)
        }
        // Broken connections are what it is for.
        try? await client.executeThenClose { fromClient, toClient in
            let upstream = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
                .connect(host: "127.0.0.1", port: port, channelInitializer: Self.wrap)
            try await upstream.executeThenClose { fromServer, toServer in
                try await withThrowingTaskGroup(of: Void.self) { ways in
                    ways.addTask { try await self.pass(.toServer, number, rates, fromClient, toServer) }
                    ways.addTask { try await self.pass(.toClient, number, rates, fromServer, toClient) }
                    // Either side's end is the end of both.
                    try await ways.next()
                    ways.cancelAll()
                }
            }
        }
    }

    /// Half-closing is what truncation is made of.
    private static let wrap: @Sendable (any Channel) -> EventLoopFuture<Connection> = { channel in
        channel.eventLoop.makeCompletedFuture {
            try Connection(
                wrappingChannelSynchronously: channel,
                configuration: .init(isOutboundHalfClosureEnabled: true)
            )
        }
    }

    private struct Cut: Error {}

    private func pass(
        _ direction: Direction,
        _ connection: Int,
        _ rates: FaultRates?,
        _ source: NIOAsyncChannelInboundStream<ByteBuffer>,
        _ target: NIOAsyncChannelOutboundWriter<ByteBuffer>
    ) async throws {
        let rates = rates ?? FaultRates(seed: 0, rates: [:])
        var generator = rates.generator(connection: connection, direction)
        var isTruncated = false
        for try await var bytes in source where !isTruncated {
            if let allowed = state.withLock({ $0.allow(bytes, direction) }) {
                try await target.write(first: allowed, of: bytes)
                throw Cut()
            }
            let step = rates.step(bytes.readableBytes, using: &generator)
            if let fault = step.fault { state.withLock { $0.injected[fault, default: 0] += 1 } }
            switch step {
            case .pass:
                break
            case .drop(let offset):
                try await target.write(first: offset, of: bytes)
                throw Cut()
            case .delay(let duration):
                try await Task.sleep(for: duration)
            case .truncate(let offset):
                try await target.write(first: offset, of: bytes)
                target.finish()
                isTruncated = true
                continue
            case .reorder:
                try await waitToBeOvertaken(connection, atMost: rates.longestDelay)
            case .corrupt(let byte, let bit):
                let index = bytes.readerIndex + byte
                if let value: UInt8 = bytes.getInteger(at: index) { bytes.setInteger(value ^ (1 << bit), at: index) }
            }
            try await target.write(bytes)
            letOvertake(connection)
        }
    }

    /// Returns when something has passed on another connection, or when nothing has for a while.
    private func waitToBeOvertaken(_ connection: Int, atMost limit: Duration) async throws {
        let (overtaken, signal) = AsyncStream.makeStream(of: Void.self)
        state.withLock { $0.waiting.append((connection, signal)) }
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { for await _ in overtaken {} }
            group.addTask { try await Task.sleep(for: limit) }
            try await group.next()
            group.cancelAll()
        }
    }

    /// Something has passed on a connection: what waits on others goes on.
    private func letOvertake(_ connection: Int) {
        let signals = state.withLock { state in
            let others = state.waiting.filter { $0.connection != connection }
            state.waiting.removeAll { $0.connection != connection }
            return others.map(\.signal)
        }
        for signal in signals { signal.finish() }
    }
}

/// A cut at a byte of the test's choice.
private struct PlannedCut {
    let direction: FaultProxy.Direction
    let bytes: Int
    let marker: [UInt8]?
    var times: Int
    /// How many bytes may still pass.
    private var remaining: Int
    /// Counting has begun.
    private var isCounting: Bool

    init(direction: FaultProxy.Direction, bytes: Int, marker: [UInt8]?, times: Int) {
        (self.direction, self.bytes, self.marker, self.times) = (direction, bytes, marker, times)
        (remaining, isCounting) = (bytes, marker == nil)
    }

    /// How many of some bytes may pass before the cut; `nil` if there is no cut in them.
    mutating func allow(_ bytes: ByteBuffer, _ way: FaultProxy.Direction) -> Int? {
        if way == .toServer, let marker, bytes.readableBytesView.starts(with: marker) { isCounting = true }
        guard isCounting, way == direction else { return nil }
        guard bytes.readableBytes >= remaining else {
            remaining -= bytes.readableBytes
            return nil
        }
        defer { (remaining, isCounting, times) = (self.bytes, marker == nil, times - 1) }
        return remaining
    }
}

extension FaultProxy.State {
    fileprivate mutating func allow(_ bytes: ByteBuffer, _ direction: FaultProxy.Direction) -> Int? {
        guard let allowed = cut?.allow(bytes, direction) else { return nil }
        if cut?.times == 0 { cut = nil }
        cuts += 1
        return allowed
    }
}

extension NIOAsyncChannelOutboundWriter<ByteBuffer> {
    /// Writes the beginning of some bytes.
    fileprivate func write(first count: Int, of bytes: ByteBuffer) async throws {
        if count > 0, let part = bytes.getSlice(at: bytes.readerIndex, length: count) { try await write(part) }
    }
}
