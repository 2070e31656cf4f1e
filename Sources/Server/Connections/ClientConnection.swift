// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import NIOCore
import NIOHTTPTypes
import Synchronization

/// The connection that a request came on, for what a request and its response are not enough: to notice that the client has
/// gone, to answer before the request has been read, and to make a tunnel of the connection.
final class ClientConnection: Sendable {
    /// The connection of the request that the present task answers. Nil in tests that call the router without a socket.
    @TaskLocal static var current: ClientConnection?

    /// Something that has to be done beside the answer to a request, by the connection's own task.
    typealias Job = @Sendable () async -> Void

    private struct State {
        var isGone = false
        var nextToken = 0
        var farewells: [Int: @Sendable () -> Void] = [:]
        /// How many requests have come in whole, and how many responses have gone out.
        var requestsEnded = 0
        var responsesEnded = 0
    }

    let channel: any Channel
    let jobs: AsyncStream<Job>
    private let jobQueue: AsyncStream<Job>.Continuation
    private let state = Mutex(State())
    private let makeTunnel: @Sendable () -> EventLoopFuture<ByteTunnel>

    init(channel: any Channel, makeTunnel: @escaping @Sendable () -> EventLoopFuture<ByteTunnel>) {
        self.channel = channel
        self.makeTunnel = makeTunnel
        // One request is answered at a time, and has one job.
        (jobs, jobQueue) = AsyncStream.makeStream(bufferingPolicy: .bufferingOldest(4))
    }

    // MARK: - The client

    /// Has something done as soon as the client has gone; at once if it has.
    ///
    /// - Returns: What it is taken back by.
    func onGone(_ farewell: @escaping @Sendable () -> Void) -> Int? {
        let token: Int? = state.withLock { state in
            guard !state.isGone else { return nil }
            state.nextToken += 1
            state.farewells[state.nextToken] = farewell
            return state.nextToken
        }
        if token == nil { farewell() }
        return token
    }

    /// Takes back what was to be done when the client goes.
    func forget(_ token: Int?) {
        guard let token else { return }
        state.withLock { _ = $0.farewells.removeValue(forKey: token) }
    }

    /// Whether the client has gone, or said that it will send no more.
    var isGone: Bool { state.withLock(\.isGone) }

    /// Returns when the client has gone or the task is cancelled.
    func gone() async {
        let (stream, continuation) = AsyncStream<Never>.makeStream()
        let token = onGone { continuation.finish() }
        defer { forget(token) }
        for await _ in stream {}
    }

    /// Does something while the client is there.
    ///
    /// - Throws: ``ClientGone`` as soon as it has gone; what `body` throws.
    func whileHere<Value: Sendable>(_ body: @escaping @Sendable () async throws -> Value) async throws -> Value {
        try await withThrowingTaskGroup(of: Value?.self) { group in
            group.addTask { try await body() }
            group.addTask {
                await self.gone()
                return nil
            }
            defer { group.cancelAll() }
            guard let first = try await group.next(), let value = first else {
                try Task.checkCancellation()
                throw ClientGone()
            }
            return value
        }
    }

    /// Whether the body of the request that is being answered has come in to its end.
    var isRequestComplete: Bool { state.withLock { $0.requestsEnded > $0.responsesEnded } }

    // MARK: - The connection

    /// Has the connection's own task do something. It must end when the connection does.
    ///
    /// - Returns: Whether it will be done.
    func start(_ job: @escaping Job) -> Bool {
        if case .enqueued = jobQueue.yield(job) { true } else { false }
    }

    /// Ends the connection's own task when its jobs are done.
    func finishJobs() { jobQueue.finish() }

    /// Sends an informational response (1xx, but no 101).
    func inform(_ head: HTTPResponse) async throws {
        try await channel.writeAndFlush(HTTPResponsePart.head(head)).get()
    }

    /// Makes a tunnel of the connection, after the head of a 101 has been written.
    func tunnel() async throws -> ByteTunnel {
        try await channel.eventLoop.flatSubmit { self.makeTunnel() }.get()
    }

    // MARK: - What the connection's handler tells

    func clientLeft() {
        let farewells = state.withLock { state in
            state.isGone = true
            defer { state.farewells = [:] }
            return Array(state.farewells.values)
        }
        for farewell in farewells { farewell() }
    }

    func requestEnded() { state.withLock { $0.requestsEnded += 1 } }

    func responseEnded() { state.withLock { $0.responsesEnded += 1 } }
}

/// The client has gone; nobody hears an answer.
struct ClientGone: Error {}
