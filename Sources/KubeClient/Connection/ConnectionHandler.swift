// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import NIOCore
import NIOSSL
import NIOTLS

/// The work of one connection: connects, sends a request, reads its answer, and says when the next one may come.
///
/// All of it is done on its event loop, and by this one handler after that of TLS: for small answers each further one would
/// take more time than the answer's bytes do.
final class ConnectionHandler: ChannelDuplexHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    /// How long a connection is kept that nobody needs. Servers and what is between do not keep them for ever.
    static let idleLifetime = TimeAmount.seconds(60)

    private enum Life {
        case new
        case connecting
        case open
        case closed
    }

    private let id: UInt64
    private let address: ServerAddress
    private let identity: ClientIdentity?
    private let loop: any EventLoop
    private let pool: ConnectionPool
    private var life = Life.new
    private var context: ChannelHandlerContext?
    private var watchdog: Watchdog
    private var parser = AnswerParser()

    // What it is busy with.
    private var exchange: Exchange?
    private var continuation: CheckedContinuation<KubeAnswer, any Error>?
    private weak var connection: KubeConnection?
    private var head: AnswerHead?
    private var body = ByteBuffer()
    private var pipe: AnswerPipe?
    /// Whether no more is to be read until what is there was taken.
    private var isFull = false
    /// Whether somebody wanted to read meanwhile.
    private var isReadPending = false

    init(
        id: UInt64,
        _ address: ServerAddress,
        _ identity: ClientIdentity?,
        _ loop: any EventLoop,
        _ pool: ConnectionPool
    ) {
        self.id = id
        self.address = address
        self.identity = identity
        self.loop = loop
        self.pool = pool
        watchdog = Watchdog(loop)
    }

    // MARK: What is asked of it

    /// Sends a request when it is connected.
    func start(
        _ exchange: Exchange,
        on connection: KubeConnection,
        _ continuation: CheckedContinuation<KubeAnswer, any Error>
    ) {
        if exchange.isCancelled {
            continuation.resume(throwing: CancellationError())
            life == .open ? pool.release(id) : close(.notSent)
            return
        }
        if life == .closed {
            continuation.resume(throwing: ConnectionFault.notSent)
            return
        }
        self.exchange = exchange
        self.continuation = continuation
        self.connection = connection
        if life == .open {
            send()
        } else if life == .new {
            connect()
        }
    }

    /// Ends if it is busy with this one.
    func cancel(_ exchange: Exchange) {
        if self.exchange === exchange { end(CancellationError()) }
    }

    /// Reads on if it is busy with this one.
    func goOn(with exchange: Exchange) {
        guard self.exchange === exchange, isFull else { return }
        isFull = false
        watchdog.expect(within: exchange.silence)
        if isReadPending {
            isReadPending = false
            context?.read()
        }
    }

    /// Ends.
    func close(_ error: ConnectionFault) { end(error) }

    // MARK: Connecting

    private func connect() {
        life = .connecting
        watchdog.onSilence = { [weak self] in self?.isTooSilent() }
        watchdog.expect(within: address.connectTimeout)
        address.connect(on: loop).assumeIsolated().whenComplete { result in
            switch result {
            case .success(let channel): self.isConnected(channel)
            case .failure(let error): self.end(error)
            }
        }
    }

    private func isConnected(_ channel: any Channel) {
        // It may have been given up meanwhile.
        guard life == .connecting else { return channel.close(promise: nil) }
        _ = KubeConnections.watchOver(channel)
        do {
            let pipeline = channel.pipeline.syncOperations
            if let identity {
                try pipeline.addHandler(
                    NIOSSLClientHandler(context: identity.context, serverHostname: address.serverName)
                )
            }
            try pipeline.addHandler(self)
        } catch {
            channel.close(promise: nil)
            return end(error)
        }
        if identity == nil { isOpen() }
    }

    func handlerAdded(context: ChannelHandlerContext) { self.context = context }

    func handlerRemoved(context: ChannelHandlerContext) { self.context = nil }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if case TLSUserEvent.handshakeCompleted = event, life == .connecting { isOpen() }
        context.fireUserInboundEventTriggered(event)
    }

    private func isOpen() {
        life = .open
        send()
    }

    private func send() {
        guard let exchange, let context else { return }
        watchdog.expect(within: exchange.patience)
        context.writeAndFlush(wrapOutboundOut(exchange.message), promise: nil)
    }

    // MARK: Reading

    func read(context: ChannelHandlerContext) {
        if isFull {
            isReadPending = true
        } else {
            context.read()
        }
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        // What nobody has asked for is not to be taken for the answer to what comes next.
        guard exchange != nil else { return end(ConnectionFault.closed) }
        parser.append(unwrapInboundIn(data))
        do {
            while exchange != nil, let part = try parser.next() { take(part) }
        } catch {
            return end(ConnectionFault.malformed(error))
        }
        if let exchange, head != nil || pipe != nil { watchdog.expect(within: isFull ? nil : exchange.silence) }
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        pipe?.flush()
        context.fireChannelReadComplete()
    }

    private func take(_ part: AnswerParser.Part) {
        switch part {
        case .head(let head): begin(head)
        case .body(let bytes):
            if let pipe {
                isFull = pipe.append(bytes) || isFull
            } else {
                collect(bytes)
            }
        case .end(let isReusable): finish(isReusable: isReusable)
        }
    }

    private func begin(_ head: AnswerHead) {
        guard let exchange, let connection, case .stream = exchange.reading, 200..<300 ~= head.code else {
            self.head = head
            return
        }
        let pipe = AnswerPipe()
        self.pipe = pipe
        let stream = AnswerStream(pipe, connection, exchange)
        continuation?.resume(returning: KubeAnswer(head: head, body: .stream(stream)))
        continuation = nil
    }

    private func collect(_ bytes: ByteBuffer) {
        guard let head, let exchange else { return }
        var limit = Exchange.refusalLimit
        let isGood = 200..<300 ~= head.code
        if isGood, case .whole(let own) = exchange.reading { limit = own }
        guard body.readableBytes + bytes.readableBytes <= limit else {
            // Of a refusal the beginning is enough.
            return isGood ? end(ConnectionFault.tooLarge) : finish(isReusable: false)
        }
        if body.readableBytes == 0 {
            body = bytes
        } else {
            body.writeImmutableBuffer(bytes)
        }
    }

    /// The answer is complete.
    private func finish(isReusable: Bool) {
        let answer = head.map { KubeAnswer(head: $0, body: .whole(body)) }
        let (continuation, pipe) = forget()
        if isReadPending {
            isReadPending = false
            context?.read()
        }
        if isReusable, life == .open {
            watchdog.expect(within: Self.idleLifetime)
            // Before anybody hears of it, who may have another request.
            pool.release(id)
        } else {
            close(.closed)
        }
        if let answer { continuation?.resume(returning: answer) }
        pipe?.end(.success(()))
    }

    // MARK: Ending

    func errorCaught(context: ChannelHandlerContext, error: any Error) { end(error) }

    func channelInactive(context: ChannelHandlerContext) {
        if exchange != nil, let part = parser.finish() { take(part) }
        end(ConnectionFault.closed)
        context.fireChannelInactive()
    }

    private func isTooSilent() {
        guard exchange != nil else { return end(ConnectionFault.closed) }
        end(life == .open ? ConnectionFault.timeout : ConnectionFault.connectTimeout)
    }

    /// It is over, and with it what it is busy with.
    private func end(_ error: any Error) {
        let (continuation, pipe) = forget()
        if life != .closed {
            life = .closed
            watchdog.stop()
            context?.close(promise: nil)
            pool.remove(id)
        }
        continuation?.resume(throwing: error)
        pipe?.end(.failure(error))
    }

    private func forget() -> (CheckedContinuation<KubeAnswer, any Error>?, AnswerPipe?) {
        defer {
            exchange = nil
            continuation = nil
            connection = nil
            head = nil
            body = ByteBuffer()
            pipe = nil
            isFull = false
        }
        return (continuation, pipe)
    }
}
