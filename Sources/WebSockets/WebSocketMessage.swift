// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

public import NIOCore

/// A message of a WebSocket (RFC 6455).
public enum WebSocketMessage: Sendable, Hashable {
    /// Text.
    case text(String)
    /// Bytes.
    case binary(ByteBuffer)
}

/// Why a WebSocket was closed.
public struct WebSocketClosure: Sendable, Hashable {
    /// The code (RFC 6455, 7.4): 1000 when all is said, 1001 when one side goes away; `nil` if none was given.
    public var code: UInt16?
    /// The reason, for people.
    public var reason: String

    /// Creates a closure.
    public init(code: UInt16?, reason: String = "") {
        self.code = code
        self.reason = reason
    }

    /// All is said.
    public static let normal = WebSocketClosure(code: 1000)

    /// Whether it is a good end.
    var isNormal: Bool { code == nil || code == 1000 || code == 1001 }
}

/// How much a WebSocket takes.
public struct WebSocketLimits: Sendable, Hashable {
    /// How many bytes a frame may have.
    public var frameSize: Int
    /// How many bytes a message may have, which may come in several frames.
    public var messageSize: Int

    /// Creates limits.
    public init(frameSize: Int = 1 << 20, messageSize: Int = 8 << 20) {
        self.frameSize = frameSize
        self.messageSize = messageSize
    }
}
