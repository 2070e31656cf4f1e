// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import NIOCore

/// Answers HTTP/2 PING frames before the HTTP/2 handler sees them.
///
/// containerd's gRPC server sends a PING with each data frame while it estimates the connection's bandwidth, and
/// swift-nio-http2 takes more than 200 control frames in 30 seconds for an attack and hangs up. Against the local
/// containerd that limit protects nothing, and it would end every upload and any burst of calls.
///
/// The handler belongs at the very front of a client's pipeline. It only looks at frame headers; everything but a PING
/// request passes through untouched.
final class PingAcknowledger: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private static let frameHeaderLength = 9
    private static let pingFrameLength = 17
    private static let pingType: UInt8 = 6
    private static let acknowledged: UInt8 = 1

    /// Bytes of the current frame's payload that are still to pass through.
    private var payloadLeft = 0
    /// The beginning of a frame whose header, or whose PING payload, is not complete yet.
    private var incomplete: ByteBuffer?

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        var input = unwrapInboundIn(data)
        if var start = incomplete.take() {
            start.writeBuffer(&input)
            input = start
        }

        var answered = false
        var unsent = input.readerIndex
        var cursor = input.readerIndex
        scan: while cursor < input.writerIndex {
            if payloadLeft > 0 {
                let step = min(payloadLeft, input.writerIndex - cursor)
                payloadLeft -= step
                cursor += step
                continue
            }
            switch Self.frame(in: input, at: cursor) {
            case .incomplete:
                break scan
            case .other(let payload):
                cursor += Self.frameHeaderLength
                payloadLeft = payload
            case .ping(let opaque):
                forward(input, from: unsent, to: cursor, context: context)
                acknowledge(opaque, context: context)
                answered = true
                cursor += Self.pingFrameLength
                unsent = cursor
            }
        }
        forward(input, from: unsent, to: cursor, context: context)
        if cursor < input.writerIndex {
            incomplete = input.getSlice(at: cursor, length: input.writerIndex - cursor)
        }
        if answered {
            context.flush()
        }
    }

    private enum Frame {
        case incomplete
        case ping(opaque: UInt64)
        case other(payload: Int)
    }

    private static func frame(in buffer: ByteBuffer, at index: Int) -> Frame {
        guard buffer.writerIndex - index >= frameHeaderLength,
            let lengthHigh: UInt8 = buffer.getInteger(at: index),
            let lengthLow: UInt16 = buffer.getInteger(at: index + 1),
            let type: UInt8 = buffer.getInteger(at: index + 3),
            let flags: UInt8 = buffer.getInteger(at: index + 4)
        else { return .incomplete }
        let length = Int(lengthHigh) << 16 | Int(lengthLow)
        guard type == pingType, flags & acknowledged == 0, length == pingFrameLength - frameHeaderLength else {
            return .other(payload: length)
        }
        guard buffer.writerIndex - index >= pingFrameLength,
            let opaque: UInt64 = buffer.getInteger(at: index + frameHeaderLength)
        else { return .incomplete }
        return .ping(opaque: opaque)
    }

    private func forward(_ input: ByteBuffer, from start: Int, to end: Int, context: ChannelHandlerContext) {
        guard end > start, let slice = input.getSlice(at: start, length: end - start) else { return }
        context.fireChannelRead(wrapInboundOut(slice))
    }

    private func acknowledge(_ opaque: UInt64, context: ChannelHandlerContext) {
        var reply = context.channel.allocator.buffer(capacity: Self.pingFrameLength)
        reply.writeBytes([0, 0, 8, Self.pingType, Self.acknowledged, 0, 0, 0, 0])
        reply.writeInteger(opaque)
        context.write(wrapOutboundOut(reply), promise: nil)
    }
}
