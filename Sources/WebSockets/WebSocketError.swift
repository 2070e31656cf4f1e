// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import NIOHTTP1

/// What went wrong with a WebSocket.
public enum WebSocketError: Error, Sendable {
    /// The server answered the request for a WebSocket with something else.
    ///
    /// - Parameters:
    ///   - status: the HTTP status.
    ///   - body: the beginning of the answer's body, at most 64 KiB.
    case refused(status: Int, body: [UInt8])
    /// The other side has broken the protocol.
    case protocolViolation(String)
    /// The other side has closed it, and not because all is said.
    case closed(WebSocketClosure)
    /// The connection broke.
    case connectionLost(cause: (any Error)?)
    /// No connection, or no answer, in time.
    case timeout
    /// The address cannot be used.
    case invalidAddress(String)
}

extension WebSocketError: CustomStringConvertible {
    /// A sentence.
    public var description: String {
        switch self {
        case .refused(let status, _): "the server answered \(status) instead of opening a WebSocket"
        case .protocolViolation(let what): "the other side breaks the WebSocket protocol: \(what)"
        case .closed(let closure):
            "the other side closed the WebSocket (\(closure.code.map(String.init) ?? "no code"))"
                + (closure.reason.isEmpty ? "" : ": \(closure.reason.prefix(200))")
        case .connectionLost(let cause):
            "the connection broke before the WebSocket was closed" + (cause.map { " (\($0))" } ?? "")
        case .timeout: "the other side did not answer in time"
        case .invalidAddress(let address): "'\(address.prefix(200))' is no address of a WebSocket"
        }
    }
}
