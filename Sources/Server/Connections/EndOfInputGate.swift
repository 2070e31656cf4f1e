// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import NIOCore

/// Keeps the end of what comes in back while a connection changes its protocol.
///
/// A decoder of HTTP throws away what it has left when the connection ends. A server that sends a WebSocket's first frames
/// right behind its answer and then ends the connection would lose them.
final class EndOfInputGate: ChannelInboundHandler {
    typealias InboundIn = NIOAny

    private var context: ChannelHandlerContext?
    private var isClosed = false
    private var sawInputClosed = false
    private var sawInactive = false

    /// Keeps the end back from now on.
    func close() { isClosed = true }

    /// Hands on what was kept back, and keeps nothing back any more.
    func open() {
        isClosed = false
        if sawInputClosed { context?.fireUserInboundEventTriggered(ChannelEvent.inputClosed) }
        if sawInactive { context?.fireChannelInactive() }
    }

    func handlerAdded(context: ChannelHandlerContext) { self.context = context }

    func handlerRemoved(context: ChannelHandlerContext) { self.context = nil }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if isClosed, event as? ChannelEvent == .inputClosed {
            sawInputClosed = true
        } else {
            context.fireUserInboundEventTriggered(event)
        }
    }

    func channelInactive(context: ChannelHandlerContext) {
        if isClosed { sawInactive = true } else { context.fireChannelInactive() }
    }
}

@available(*, unavailable)
extension EndOfInputGate: Sendable {}
