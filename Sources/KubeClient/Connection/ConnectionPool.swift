// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import DequeModule
import NIOCore
import NIOPosix
import Synchronization

/// Connections to one API server that carry requests of one kind. The one that was used last is used first, so that those that
/// are too many grow old and go.
final class ConnectionPool: Sendable {
    private typealias Turn = CheckedContinuation<KubeConnection, any Error>

    private struct State {
        /// All there are, also those that are being made.
        var all: [UInt64: KubeConnection] = [:]
        var idle: [KubeConnection] = []
        /// Who waits for one, in order.
        var waiting: Deque<(ticket: UInt64, turn: Turn)> = []
        var lastNumber: UInt64 = 0
        var isShutDown = false
        /// Who waits for the last one to go.
        var farewell: [CheckedContinuation<Void, Never>] = []
    }

    private let address: ServerAddress
    private let limit: Int
    private let loops: any EventLoopGroup
    private let state = Mutex(State())

    init(_ address: ServerAddress, limit: Int, on loops: any EventLoopGroup = MultiThreadedEventLoopGroup.singleton) {
        self.address = address
        self.limit = limit
        self.loops = loops
    }

    /// Sends a request and returns its answer.
    ///
    /// - Throws: ``ConnectionFault``, `CancellationError`, or what TLS or the kernel say.
    func run(_ exchange: Exchange, as identity: ClientIdentity?) async throws -> KubeAnswer {
        while true {
            do {
                let connection = try await connection(for: exchange, as: identity)
                // Whom it speaks as we may be no more.
                guard connection.identity === identity else {
                    connection.close(.closed)
                    continue
                }
                return try await connection.run(exchange)
            } catch ConnectionFault.notSent {
                // It has gone since it was idle, or there is room for another one. One that is made anew fails in other ways,
                // so this ends.
            }
        }
    }

    /// Ends all connections, and returns when they are gone.
    func shutDown() async {
        let (all, waiting) = state.withLock { state in
            state.isShutDown = true
            defer { state.waiting = [] }
            return (Array(state.all.values), state.waiting)
        }
        for (_, turn) in waiting { turn.resume(throwing: ConnectionFault.shutDown) }
        for connection in all { connection.close(.shutDown) }
        await withCheckedContinuation { continuation in
            let isOver = state.withLock { state in
                if !state.all.isEmpty { state.farewell.append(continuation) }
                return state.all.isEmpty
            }
            if isOver { continuation.resume() }
        }
    }

    // MARK: What connections say

    /// A connection may carry another request.
    func release(_ id: UInt64) {
        let turn: (turn: Turn, connection: KubeConnection)? = state.withLock { state in
            guard let connection = state.all[id] else { return nil }
            if let (_, turn) = state.waiting.popFirst() { return (turn, connection) }
            state.idle.append(connection)
            return nil
        }
        if let turn { turn.turn.resume(returning: turn.connection) }
    }

    /// A connection is gone.
    func remove(_ id: UInt64) {
        let (turn, farewell) = state.withLock { state -> (Turn?, [CheckedContinuation<Void, Never>]) in
            state.all[id] = nil
            state.idle.removeAll { $0.id == id }
            guard state.all.isEmpty, state.isShutDown else { return (state.waiting.popFirst()?.turn, []) }
            defer { state.farewell = [] }
            return (nil, state.farewell)
        }
        // There is room for another one now, which is for whoever takes the turn to make.
        turn?.resume(throwing: ConnectionFault.notSent)
        for continuation in farewell { continuation.resume() }
    }

    // MARK: Finding one

    private func connection(for exchange: Exchange, as identity: ClientIdentity?) async throws -> KubeConnection {
        let (found, ticket) = try state.withLock { state -> (KubeConnection?, UInt64) in
            if state.isShutDown { throw ConnectionFault.shutDown }
            if let connection = state.idle.popLast() { return (connection, 0) }
            state.lastNumber += 1
            guard state.all.count < limit else { return (nil, state.lastNumber) }
            let connection = KubeConnection(id: state.lastNumber, address, identity, loops.next(), self)
            state.all[connection.id] = connection
            return (connection, 0)
        }
        if let found { return found }
        let alarm = exchange.patience.map { patience in
            loops.next().scheduleTask(in: patience) { self.giveUp(ticket, ConnectionFault.timeout) }
        }
        defer { alarm?.cancel() }
        return try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { join(ticket, $0) }
        } onCancel: {
            giveUp(ticket, CancellationError())
        }
    }

    private func join(_ ticket: UInt64, _ turn: Turn) {
        let error: (any Error)? = state.withLock { state in
            if state.isShutDown { return ConnectionFault.shutDown }
            // Under the lock that `giveUp` takes as well, so that no cancellation is missed.
            if Task.isCancelled { return CancellationError() }
            // One may have become free meanwhile.
            guard state.idle.isEmpty, state.all.count >= limit else { return ConnectionFault.notSent }
            state.waiting.append((ticket, turn))
            return nil
        }
        if let error { turn.resume(throwing: error) }
    }

    private func giveUp(_ ticket: UInt64, _ error: any Error) {
        let turn = state.withLock { state -> Turn? in
            guard let place = state.waiting.firstIndex(where: { $0.ticket == ticket }) else { return nil }
            return state.waiting.remove(at: place).turn
        }
        turn?.resume(throwing: error)
    }
}
