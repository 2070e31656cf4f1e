// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import NIOCore
import NIOWebSocket

/// Puts messages together from frames. Pure.
struct MessageAssembler {
    enum Event {
        /// Nothing is complete.
        case none
        case message(WebSocketMessage)
        /// It wants this answered with a pong.
        case ping(ByteBuffer)
        case pong
        case close(WebSocketClosure)
    }

    /// Whether what comes in must be masked: on a server, and there only.
    let expectsMask: Bool
    /// How many bytes a message may have.
    let limit: Int
    private var opcode: WebSocketOpcode?
    private var buffer = ByteBuffer()

    init(expectsMask: Bool, limit: Int) {
        self.expectsMask = expectsMask
        self.limit = limit
    }

    /// Takes a frame.
    ///
    /// - Throws: `WebSocketError.protocolViolation`.
    mutating func add(_ frame: WebSocketFrame) throws(WebSocketError) -> Event {
        guard !frame.rsv1, !frame.rsv2, !frame.rsv3 else {
            throw .protocolViolation("a frame has bits set that mean nothing")
        }
        guard (frame.maskKey != nil) == expectsMask else {
            throw .protocolViolation(expectsMask ? "a client's frame is not masked" : "a server's frame is masked")
        }
        let data = frame.unmaskedData
        switch frame.opcode {
        case .ping: return .ping(data)
        case .pong: return .pong
        case .connectionClose: return .close(try closure(data))
        case .text, .binary:
            guard opcode == nil else { throw .protocolViolation("a message begins within another one") }
            opcode = frame.opcode
            buffer = ByteBuffer()
            return try append(data, isLast: frame.fin)
        case .continuation:
            guard opcode != nil else { throw .protocolViolation("a message goes on that has not begun") }
            return try append(data, isLast: frame.fin)
        default: throw .protocolViolation("a frame has an unknown opcode")
        }
    }

    private mutating func append(_ data: ByteBuffer, isLast: Bool) throws(WebSocketError) -> Event {
        guard buffer.readableBytes + data.readableBytes <= limit else {
            throw .protocolViolation("a message has more than \(limit) bytes")
        }
        if buffer.readableBytes == 0 { buffer = data } else { buffer.writeImmutableBuffer(data) }
        guard isLast else { return .none }
        defer { (opcode, buffer) = (nil, ByteBuffer()) }
        if opcode == .binary { return .message(.binary(buffer)) }
        guard let text = String(validating: buffer.readableBytesView, as: UTF8.self) else {
            throw .protocolViolation("a text is no UTF-8")
        }
        return .message(.text(text))
    }

    private func closure(_ data: ByteBuffer) throws(WebSocketError) -> WebSocketClosure {
        var data = data
        if data.readableBytes == 0 { return WebSocketClosure(code: nil) }
        guard let code = data.readInteger(as: UInt16.self), code >= 1000,
            let reason = String(validating: data.readableBytesView, as: UTF8.self)
        else { throw .protocolViolation("it is closed without a sensible code or reason") }
        return WebSocketClosure(code: code, reason: reason)
    }
}
