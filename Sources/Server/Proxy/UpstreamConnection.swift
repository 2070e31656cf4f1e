// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import NIOCore
import NIOHTTP1
import NIOPosix
import Synchronization

/// A connection to a port of a sandbox, for one request.
///
/// Each request has its own: a sandbox that was resumed has another address, and what a sandbox answers can never be taken for
/// the answer to another request.
struct UpstreamConnection: Sendable {
    let channel: any Channel
    private let inlet: Inlet<HTTPClientResponsePart>
    private let makeTunnel: @Sendable () -> EventLoopFuture<ByteTunnel>
    private let timer: NIOLoopBound<ResponseTimer>

    /// Connects.
    ///
    /// - Parameters:
    ///   - timeout: The longest time until there is a connection.
    ///   - responseTimeout: The longest time until the head of the answer, counted from when a byte moved last.
    /// - Throws: ``UpstreamError``, or `CancellationError`.
    static func open(
        _ address: UpstreamAddress,
        timeout: TimeAmount,
        responseTimeout: TimeAmount
    ) async throws -> UpstreamConnection {
        let attempt = Attempt()
        do {
            return try await withTaskCancellationHandler {
                try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
                    .connectTimeout(timeout)
                    .channelOption(.allowRemoteHalfClosure, value: true)
                    .channelOption(.socketOption(.so_keepalive), value: 1)
                    .channelOption(.tcpOption(.tcp_nodelay), value: 1)
                    .connect(host: address.host, port: address.port) { channel in
                        channel.eventLoop.makeCompletedFuture {
                            attempt.begin(channel)
                            return try UpstreamConnection(channel, responseTimeout: responseTimeout)
                        }
                    }
            } onCancel: {
                attempt.cancel()
            }
        } catch {
            try Task.checkCancellation()
            throw UpstreamError.noConnection(cause: error)
        }
    }

    /// The channels of an attempt to connect, which is given up by closing them.
    private final class Attempt: Sendable {
        private let channels = Mutex<(all: [any Channel], isCancelled: Bool)>(([], false))

        func begin(_ channel: any Channel) {
            let isCancelled = channels.withLock { channels in
                channels.all.append(channel)
                return channels.isCancelled
            }
            if isCancelled { channel.close(promise: nil) }
        }

        func cancel() {
            let all = channels.withLock { channels in
                channels.isCancelled = true
                return channels.all
            }
            for channel in all { channel.close(promise: nil) }
        }
    }

    private init(_ channel: any Channel, responseTimeout: TimeAmount) throws {
        let pipeline = channel.pipeline.syncOperations
        var encoding = HTTPRequestEncoder.Configuration()
        encoding.automaticallySetFramingHeaders = false
        let gate = EndOfInputGate()
        let encoder = HTTPRequestEncoder(configuration: encoding)
        let decoder = ByteToMessageHandler(
            HTTPResponseDecoder(leftOverBytesStrategy: .forwardBytes, informationalResponseStrategy: .forward)
        )
        let timer = ResponseTimer(timeout: responseTimeout)
        let handler = DemandHandler<HTTPClientResponsePart> { part in
            timer.moved()
            guard case .head(let head) = part else { return }
            if head.status == .switchingProtocols { gate.close() }
            if head.status.code >= 200 || head.status == .switchingProtocols { timer.stop() }
        }
        try pipeline.addHandlers(gate, encoder, decoder)
        try pipeline.addHandlers(timer, handler)
        timer.onTimeout = { [weak channel] in
            handler.finish(.failure(UpstreamError.noAnswer))
            channel?.close(promise: nil)
        }
        self.channel = channel
        inlet = Inlet(handler, of: channel)
        self.timer = NIOLoopBound(timer, eventLoop: channel.eventLoop)
        let stages = NIOLoopBound((gate, encoder, decoder), eventLoop: channel.eventLoop)
        makeTunnel = {
            let (_, encoder, decoder) = stages.value
            return ByteTunnel.take(channel, after: decoder, removing: encoder, decoder).map { tunnel in
                stages.value.0.open()
                return tunnel
            }
        }
    }

    /// Writes a part of the request and waits until the kernel has taken it.
    ///
    /// - Throws: ``UpstreamError``, or `CancellationError`.
    func write(_ part: HTTPPart<HTTPRequestHead, ByteBuffer>) async throws {
        do {
            try await withTaskCancellationHandler {
                try await channel.writeAndFlush(part.forClient).get()
            } onCancel: {
                channel.close(promise: nil)
            }
        } catch {
            try Task.checkCancellation()
            throw UpstreamError.connectionLost(cause: error)
        }
    }

    /// The next part of the answer; nil when the sandbox has said all.
    ///
    /// - Throws: ``UpstreamError``, or `CancellationError`.
    func next() async throws -> HTTPClientResponsePart? {
        do {
            return try await inlet.next()
        } catch let error as UpstreamError {
            throw error
        } catch {
            try Task.checkCancellation()
            throw UpstreamError.connectionLost(cause: error)
        }
    }

    /// Makes a tunnel of the connection, after the head of a 101 has come in.
    func tunnel() async throws -> ByteTunnel {
        try await channel.eventLoop.flatSubmit { makeTunnel() }.get()
    }

    /// Begins to count the time until the answer.
    func startTimer() {
        channel.eventLoop.execute { timer.value.start() }
    }

    /// Closes the connection; whoever waits on it gets an error.
    func close() {
        channel.close(promise: nil)
    }
}

extension HTTPPart<HTTPRequestHead, ByteBuffer> {
    fileprivate var forClient: HTTPClientRequestPart {
        switch self {
        case .head(let head): .head(head)
        case .body(let bytes): .body(.byteBuffer(bytes))
        case .end(let trailers): .end(trailers)
        }
    }
}
