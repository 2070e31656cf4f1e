// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import NIOCore

/// Takes what comes in on a channel, and reads no more than is asked for: one read's worth waits here at most. On the
/// channel's event loop only; ``Inlet`` asks from elsewhere.
final class DemandHandler<Element: Sendable>: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = Element
    typealias OutboundIn = Never
    typealias OutboundOut = ByteBuffer

    private var context: ChannelHandlerContext?
    private var waiting = CircularBuffer<Element>()
    private var asker: EventLoopPromise<Element?>?
    private var end: Result<Void, any Error>?
    private var isNudged = false
    /// Called with each element as it comes in, before it waits.
    private let inspect: (Element) -> Void

    init(inspect: @escaping (Element) -> Void = { _ in }) {
        self.inspect = inspect
    }

    /// Asks for the next element; nil when the other side has said all.
    func next(on eventLoop: any EventLoop) -> EventLoopFuture<Element?> {
        if isNudged {
            isNudged = false
            return eventLoop.makeFailedFuture(Nudge())
        }
        if let element = waiting.popFirst() { return eventLoop.makeSucceededFuture(element) }
        switch end {
        case .success: return eventLoop.makeSucceededFuture(nil)
        case .failure(let error): return eventLoop.makeFailedFuture(error)
        case nil: break
        }
        guard let context else { return eventLoop.makeFailedFuture(ChannelError.ioOnClosedChannel) }
        precondition(asker == nil, "one at a time may ask")
        let promise = eventLoop.makePromise(of: Element?.self)
        asker = promise
        context.read()
        return promise.futureResult
    }

    /// Writes bytes towards the socket, past what stands behind this handler in the pipeline.
    func send(_ bytes: ByteBuffer, on eventLoop: any EventLoop) -> EventLoopFuture<Void> {
        guard let context else { return eventLoop.makeFailedFuture(ChannelError.ioOnClosedChannel) }
        let promise = eventLoop.makePromise(of: Void.self)
        context.writeAndFlush(wrapOutboundOut(bytes), promise: promise)
        return promise.futureResult
    }

    /// Makes whoever asks now, or next, hear ``Nudge`` instead, once; nothing is lost.
    func nudge() {
        isNudged = asker == nil
        asker?.fail(Nudge())
        asker = nil
    }

    /// Ends the sequence, if it has not ended: what waits is still handed out.
    func finish(_ result: Result<Void, any Error>) {
        guard end == nil else { return }
        end = result
        let asker = asker
        self.asker = nil
        switch result {
        case .success: asker?.succeed(nil)
        case .failure(let error): asker?.fail(error)
        }
    }

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        self.context = nil
        finish(.failure(ChannelError.ioOnClosedChannel))
    }

    func read(context: ChannelHandlerContext) {
        if asker != nil { context.read() }
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard end == nil else { return }
        let element = unwrapInboundIn(data)
        inspect(element)
        if let asker {
            self.asker = nil
            asker.succeed(element)
        } else {
            waiting.append(element)
        }
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if event as? ChannelEvent == .inputClosed { finish(.success(())) }
        context.fireUserInboundEventTriggered(event)
    }

    func channelInactive(context: ChannelHandlerContext) {
        finish(.success(()))
        context.fireChannelInactive()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        finish(.failure(error))
        context.fireErrorCaught(error)
    }
}

@available(*, unavailable)
extension DemandHandler: Sendable {}

/// Not an element, but a reason to look up: see ``DemandHandler/nudge()``.
struct Nudge: Error {}
