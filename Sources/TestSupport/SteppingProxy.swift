// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

public import NIOCore
import NIOPosix
import Synchronization

/// The steps that a program takes towards servers, counted over all of them, and something to be done at one of them.
public final class Steps: Sendable {
    /// Something to be done at a step.
    public struct Plan: Sendable {
        /// Which step, the first being 1.
        public var number: Int
        /// Whether the server has got it by then, or never does.
        public var isAfter: Bool
        /// What to do.
        public var action: @Sendable () async -> Void

        /// Makes a plan.
        public init(at number: Int, isAfter: Bool, _ action: @escaping @Sendable () async -> Void) {
            (self.number, self.isAfter, self.action) = (number, isAfter, action)
        }
    }

    private struct State {
        var count = 0
        var plan: Plan?
        var seen: (@Sendable (Int) -> Void)?
    }

    private let state = Mutex(State())

    /// Creates a count of nothing.
    public init() {}

    /// How many steps were taken since the count began.
    public var count: Int { state.withLock { $0.count } }

    /// Begins to count anew.
    ///
    /// - Parameters:
    ///   - plan: What to do at a step; nothing without it.
    ///   - seen: Called at every step with its number.
    public func begin(_ plan: Plan? = nil, seen: (@Sendable (Int) -> Void)? = nil) {
        state.withLock { $0 = State(plan: plan, seen: seen) }
    }

    fileprivate func take() -> Plan? {
        let (number, plan, seen) = state.withLock { state in
            state.count += 1
            return (state.count, state.plan, state.seen)
        }
        seen?(number)
        return plan?.number == number ? plan : nil
    }
}

/// A proxy that passes everything on and counts what it takes for steps.
public enum SteppingProxy {
    /// Where somebody listens.
    public enum Endpoint: Sendable {
        /// A port of the loopback address.
        case port(Int)
        /// A unix socket.
        case socket(String)
    }

    private typealias Connection = NIOAsyncChannel<ByteBuffer, ByteBuffer>
    private struct Ended: Error {}

    /// Runs `body` with a proxy before a server.
    ///
    /// - Parameters:
    ///   - server: Where the server listens.
    ///   - endpoint: Where the proxy listens; port 0 for a free one.
    ///   - steps: What counts.
    ///   - isStep: Whether a piece of what a client sends is a step.
    ///   - body: What to do, with the port that was taken, if any.
    public static func run<Result: Sendable>(
        before server: Endpoint,
        at endpoint: Endpoint,
        steps: Steps,
        isStep: @escaping @Sendable (ByteBuffer) -> Bool,
        _ body: (Int) async throws -> Result
    ) async throws -> Result {
        let bootstrap = ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
        let listener =
            switch endpoint {
            case .port(let port):
                try await bootstrap.bind(host: "127.0.0.1", port: port, childChannelInitializer: wrap)
            case .socket(let path):
                try await bootstrap.bind(unixDomainSocketPath: path, childChannelInitializer: wrap)
            }
        let port = listener.channel.localAddress?.port ?? 0
        return try await withThrowingTaskGroup(of: Void.self) { tasks in
            tasks.addTask {
                try await listener.executeThenClose { connections in
                    try await withThrowingDiscardingTaskGroup { pairs in
                        for try await client in connections {
                            pairs.addTask { await serve(client, before: server, steps, isStep) }
                        }
                    }
                }
            }
            defer { tasks.cancelAll() }
            return try await body(port)
        }
    }

    private static func serve(
        _ client: Connection,
        before server: Endpoint,
        _ steps: Steps,
        _ isStep: @escaping @Sendable (ByteBuffer) -> Bool
    ) async {
        // Connections whose client was killed are what it is for.
        try? await client.executeThenClose { fromClient, toClient in
            let bootstrap = ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            let upstream =
                switch server {
                case .port(let port):
                    try await bootstrap.connect(host: "127.0.0.1", port: port, channelInitializer: wrap)
                case .socket(let path):
                    try await bootstrap.connect(unixDomainSocketPath: path, channelInitializer: wrap)
                }
            try await upstream.executeThenClose { fromServer, toServer in
                try await withThrowingTaskGroup(of: Void.self) { ways in
                    ways.addTask {
                        for try await bytes in fromClient {
                            let plan = isStep(bytes) ? steps.take() : nil
                            if let plan, !plan.isAfter {
                                await plan.action()
                                throw Ended()
                            }
                            try await toServer.write(bytes)
                            await plan?.action()
                        }
                    }
                    ways.addTask { for try await bytes in fromServer { try await toClient.write(bytes) } }
                    // Either side's end is the end of both.
                    try await ways.next()
                    ways.cancelAll()
                }
            }
        }
    }

    private static let wrap: @Sendable (any Channel) -> EventLoopFuture<Connection> = { channel in
        channel.eventLoop.makeCompletedFuture { try Connection(wrappingChannelSynchronously: channel) }
    }
}
