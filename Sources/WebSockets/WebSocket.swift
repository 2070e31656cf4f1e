// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import NIOCore
import NIOWebSocket
import Synchronization

/// An open WebSocket: messages come in as a sequence, and are sent.
///
/// Pings are answered while messages are read. Both ways keep back-pressure: what is not read is not received, and sending
/// waits until the other side takes it.
public struct WebSocket: Sendable {
    enum Role: Sendable {
        case client
        case server
    }

    /// The subprotocol that both sides have agreed on, if any.
    public let subprotocol: String?
    /// The messages that come in. They can be gone through once. They end when the other side closes the WebSocket in good
    /// order.
    public let messages: Messages
    private let writer: FrameWriter

    init(
        _ inbound: NIOAsyncChannelInboundStream<WebSocketFrame>,
        _ outbound: NIOAsyncChannelOutboundWriter<WebSocketFrame>,
        role: Role,
        subprotocol: String?,
        limits: WebSocketLimits
    ) {
        self.subprotocol = subprotocol
        writer = FrameWriter(outbound, role)
        let assembler = MessageAssembler(expectsMask: role == .server, limit: limits.messageSize)
        messages = Messages(inbound: inbound, writer: writer, assembler: assembler)
    }

    /// Sends a message.
    ///
    /// - Throws: `WebSocketError.connectionLost`, or `CancellationError`.
    public func send(_ message: WebSocketMessage) async throws {
        switch message {
        case .text(let text): try await writer.write(.text, ByteBuffer(string: text))
        case .binary(let bytes): try await writer.write(.binary, bytes)
        }
    }

    /// Asks the other side for a sign of life.
    ///
    /// - Throws: `WebSocketError.connectionLost`, or `CancellationError`.
    public func ping() async throws { try await writer.write(.ping, ByteBuffer()) }

    /// Says that nothing more will be sent. What is called after the first time does nothing.
    ///
    /// - Throws: `WebSocketError.connectionLost`, or `CancellationError`.
    public func close(_ closure: WebSocketClosure = .normal) async throws { try await writer.close(closure) }

    /// The messages that come in.
    public struct Messages: AsyncSequence, Sendable {
        fileprivate let inbound: NIOAsyncChannelInboundStream<WebSocketFrame>
        fileprivate let writer: FrameWriter
        fileprivate let assembler: MessageAssembler

        /// Goes through the messages.
        public struct Iterator: AsyncIteratorProtocol {
            fileprivate var frames: NIOAsyncChannelInboundStream<WebSocketFrame>.AsyncIterator
            fileprivate let writer: FrameWriter
            fileprivate var assembler: MessageAssembler
            fileprivate var isDone = false

            /// The next message; `nil` when the other side has said all.
            ///
            /// - Throws: `WebSocketError`, or `CancellationError`.
            public mutating func next() async throws -> WebSocketMessage? {
                while !isDone {
                    let frame = try await nextFrame()
                    let event: MessageAssembler.Event
                    do {
                        event = try assembler.add(frame)
                    } catch {
                        try? await writer.close(WebSocketClosure(code: 1002))
                        throw error
                    }
                    switch event {
                    case .none, .pong: continue
                    case .message(let message): return message
                    case .ping(let data): try await writer.write(.pong, data)
                    case .close(let closure):
                        isDone = true
                        try? await writer.close(closure.code.map { WebSocketClosure(code: $0) } ?? .normal)
                        if !closure.isNormal { throw WebSocketError.closed(closure) }
                    }
                }
                return nil
            }

            private mutating func nextFrame() async throws -> WebSocketFrame {
                let frame: WebSocketFrame?
                do {
                    frame = try await frames.next()
                } catch let error as NIOWebSocketError {
                    try? await writer.close(WebSocketClosure(code: error == .invalidFrameLength ? 1009 : 1002))
                    throw WebSocketError.protocolViolation("a frame cannot be read (\(error))")
                } catch {
                    try Task.checkCancellation()
                    throw WebSocketError.connectionLost(cause: error)
                }
                try Task.checkCancellation()
                guard let frame else { throw WebSocketError.connectionLost(cause: nil) }
                return frame
            }
        }

        /// Begins.
        public func makeAsyncIterator() -> Iterator {
            Iterator(frames: inbound.makeAsyncIterator(), writer: writer, assembler: assembler)
        }
    }
}

/// Writes frames, the last one once.
private struct FrameWriter: Sendable {
    private final class Flag: Sendable {
        private let value = Mutex(false)

        /// Sets it.
        ///
        /// - Returns: whether it was not set before.
        func set() -> Bool {
            value.withLock { value in
                defer { value = true }
                return !value
            }
        }
    }

    private let outbound: NIOAsyncChannelOutboundWriter<WebSocketFrame>
    private let role: WebSocket.Role
    private let isClosed = Flag()

    init(_ outbound: NIOAsyncChannelOutboundWriter<WebSocketFrame>, _ role: WebSocket.Role) {
        self.outbound = outbound
        self.role = role
    }

    func write(_ opcode: WebSocketOpcode, _ data: ByteBuffer) async throws {
        let mask: WebSocketMaskingKey? = role == .client ? .random() : nil
        do {
            try await outbound.write(WebSocketFrame(fin: true, opcode: opcode, maskKey: mask, data: data))
        } catch {
            try Task.checkCancellation()
            throw WebSocketError.connectionLost(cause: error)
        }
    }

    func close(_ closure: WebSocketClosure) async throws {
        guard isClosed.set() else { return }
        var data = ByteBuffer()
        if let code = closure.code {
            data.writeInteger(code)
            // A control frame has 125 bytes at most.
            var reason = closure.reason
            while reason.utf8.count > 123 { reason.removeLast() }
            data.writeString(reason)
        }
        try await write(.connectionClose, data)
    }
}
