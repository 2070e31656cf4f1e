// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import KubeModels
public import NIOCore
import WebSockets

/// A command that runs in a container.
public struct ExecSession: Sendable {
    /// What comes from a command.
    public enum Event: Sendable, Hashable {
        /// It has written to its standard output, or to its terminal.
        case output(ByteBuffer)
        /// It has written to its standard error.
        case error(ByteBuffer)
        /// It has ended. Nothing comes after that.
        case exited(ExecExit)
    }

    let socket: WebSocket
    let request: KubeRequest

    /// What comes from the command. It can be gone through once, and is read when it is asked for. The last event is the
    /// command's end.
    public var events: Events { Events(session: self) }

    /// Writes to the command's standard input.
    ///
    /// - Throws: `KubeError`, or `CancellationError`.
    public func write(_ bytes: ByteBuffer) async throws {
        // What servers take in one message: 32 KiB, less the channel.
        var rest = bytes
        while let part = rest.readSlice(length: min(rest.readableBytes, 16 << 10)), part.readableBytes > 0 {
            try await send(.standardInput, part)
        }
    }

    /// Ends the command's standard input.
    ///
    /// - Throws: `KubeError` of kind `unexpectedAnswer` if the server is older than 1.30 and cannot do that, or
    ///   `CancellationError`.
    public func closeInput() async throws {
        guard socket.subprotocol == "v5.channel.k8s.io" else {
            throw request.fault(
                .unexpectedAnswer,
                "the server cannot end the standard input of a command",
                advice: "let the command find out by itself where its input ends, such as by 'head -c'"
            )
        }
        try await send(.close, ByteBuffer(bytes: [ExecChannel.standardInput.rawValue]))
    }

    /// Sets the size of the command's terminal.
    ///
    /// - Throws: `KubeError`, or `CancellationError`.
    public func resize(columns: Int, rows: Int) async throws {
        let size: JSONValue = ["Width": .number(JSONNumber(columns)), "Height": .number(JSONNumber(rows))]
        try await send(.resize, ByteBuffer(bytes: size.json()))
    }

    private func send(_ channel: ExecChannel, _ bytes: ByteBuffer) async throws {
        do {
            try await socket.send(.binary(channel.message(bytes)))
        } catch let error as WebSocketError {
            throw request.fault(.unreachable, "the connection broke", cause: error)
        }
    }

    /// What comes from a command.
    public struct Events: AsyncSequence, Sendable {
        let session: ExecSession

        /// Goes through the events.
        public struct Iterator: AsyncIteratorProtocol {
            fileprivate var messages: WebSocket.Messages.Iterator
            fileprivate let request: KubeRequest
            fileprivate var isDone = false

            /// The next event; `nil` after the command's end.
            ///
            /// - Throws: `KubeError`, also if the connection ends before the server has said how the command ended, or
            ///   `CancellationError`.
            public mutating func next() async throws -> Event? {
                while !isDone {
                    switch try await nextMessage() {
                    case (.standardOutput, let bytes): if bytes.readableBytes > 0 { return .output(bytes) }
                    case (.standardError, let bytes): if bytes.readableBytes > 0 { return .error(bytes) }
                    case (.result, let bytes): if bytes.readableBytes > 0 { return .exited(try exit(bytes)) }
                    // A server says the ends of channels, which are the command's end, too.
                    default: continue
                    }
                }
                return nil
            }

            private mutating func exit(_ bytes: ByteBuffer) throws(KubeError) -> ExecExit {
                isDone = true
                let status: Status
                do {
                    status = try bytes.withUnsafeReadableBytes { bytes in
                        Result { () throws(JSONError) in try Status(json: bytes) }
                    }.get()
                } catch {
                    throw request.fault(
                        .malformedAnswer,
                        "in what the server says of the command's end \(error)",
                        cause: error
                    )
                }
                if let exit = ExecExit(status) { return exit }
                let words = status.message.map { $0.onOneLine(limit: 500) } ?? "the server does not say why"
                var error = request.fault(.serverFault, "the command did not run to its end: \(words)")
                error.status = status
                throw error
            }

            private mutating func nextMessage() async throws -> (ExecChannel, ByteBuffer) {
                while true {
                    let message: WebSocketMessage?
                    do {
                        message = try await messages.next()
                    } catch let error as WebSocketError {
                        throw request.fault(.unreachable, "the connection broke before the command ended", cause: error)
                    }
                    switch message {
                    case .binary(let bytes):
                        if let part = ExecChannel.split(bytes) { return part }
                    case .text(let text):
                        if let part = ExecChannel.split(ByteBuffer(string: text)) { return part }
                    case nil:
                        throw request.fault(.unexpectedAnswer, "the server did not say how the command ended")
                    }
                }
            }
        }

        /// Begins.
        public func makeAsyncIterator() -> Iterator {
            Iterator(messages: session.socket.messages.makeAsyncIterator(), request: session.request)
        }
    }
}
