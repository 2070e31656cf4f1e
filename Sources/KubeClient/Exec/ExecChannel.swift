// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import KubeModels
import NIOCore

/// The streams of a command, which share one WebSocket: the first byte of each message says which one it is
/// (`v4.channel.k8s.io`, and `v5` which can also end one of them).
enum ExecChannel: UInt8 {
    case standardInput = 0
    case standardOutput = 1
    case standardError = 2
    /// How the command ended, as a `Status`.
    case result = 3
    /// The size of the terminal.
    case resize = 4
    /// Ends the channel that it names.
    case close = 255

    /// What we speak, the best one first.
    static let subprotocols = ["v5.channel.k8s.io", "v4.channel.k8s.io"]

    /// A message for this channel.
    func message(_ bytes: ByteBuffer) -> ByteBuffer {
        var message = ByteBuffer()
        message.reserveCapacity(bytes.readableBytes + 1)
        message.writeInteger(rawValue)
        message.writeImmutableBuffer(bytes)
        return message
    }

    /// Takes a message apart.
    ///
    /// - Returns: `nil` for a channel that means nothing, and for nothing at all.
    static func split(_ message: ByteBuffer) -> (channel: ExecChannel, bytes: ByteBuffer)? {
        var message = message
        guard let first = message.readInteger(as: UInt8.self), let channel = ExecChannel(rawValue: first) else {
            return nil
        }
        return (channel, message)
    }
}

/// How a command ended.
public struct ExecExit: Sendable, Hashable {
    /// Its exit code: 0 if all went well.
    public var code: Int

    /// Creates one.
    public init(code: Int) { self.code = code }

    /// Reads what the server says.
    ///
    /// - Returns: `nil` if it does not say an exit code: then the command did not run to its end.
    init?(_ status: Status) {
        if status.status == "Success" {
            code = 0
            return
        }
        guard status.reason == "NonZeroExitCode",
            let text = status.details?.causes.first(where: { $0.reason == "ExitCode" })?.message, let code = Int(text)
        else { return nil }
        self.code = code
    }
}
