// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import NIOCore
import NIOHTTP1

/// Counts the time until a sandbox begins its answer, from when a byte of the request moved last. On the channel's event loop
/// only.
final class ResponseTimer: ChannelOutboundHandler, RemovableChannelHandler {
    typealias OutboundIn = HTTPClientRequestPart

    var onTimeout: () -> Void = {}
    private let timeout: TimeAmount
    private var context: ChannelHandlerContext?
    private var alarm: Scheduled<Void>?
    private var lastMove = NIODeadline.now()
    private var isStopped = false

    init(timeout: TimeAmount) {
        self.timeout = timeout
    }

    /// Begins to count.
    func start() {
        guard !isStopped, alarm == nil else { return }
        lastMove = .now()
        watch()
    }

    /// Something has moved.
    func moved() { lastMove = .now() }

    /// The answer has begun.
    func stop() {
        isStopped = true
        alarm?.cancel()
    }

    private func watch() {
        guard let context, !isStopped else { return }
        let rest = lastMove + timeout - .now()
        guard rest > .nanoseconds(0) else {
            isStopped = true
            return onTimeout()
        }
        alarm = context.eventLoop.assumeIsolated().scheduleTask(in: rest) { self.watch() }
    }

    func handlerAdded(context: ChannelHandlerContext) { self.context = context }

    func handlerRemoved(context: ChannelHandlerContext) {
        self.context = nil
        onTimeout = {}
        stop()
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        moved()
        context.write(data, promise: promise)
    }
}

@available(*, unavailable)
extension ResponseTimer: Sendable {}
