// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import NIOCore

import struct Foundation.Data
import class Foundation.JSONDecoder
import class Foundation.JSONEncoder

/// What a holder is asked to do.
enum HolderOrder: Codable, Sendable, Hashable {
    /// To show that it is alive.
    case ping
    /// The deadline is in milliseconds since 1970.
    case freeze(id: String, owner: String, containers: [String], deadline: Int64)
    case check(id: String)
    case seal(id: String)
    case thaw(id: String)
    case kill(id: String)
    /// To hold the freeze although its client ends: what it has captured is complete.
    case keep(id: String, captured: [String])
    /// What does not come from the client that has begun the freeze.
    case control(FreezeControl, id: String)
    /// The client will not freeze anything any more.
    case dismiss
}

/// A line from the client to the holder.
struct HolderRequest: Codable, Sendable, Hashable {
    /// Names the request; the answer has the same.
    var number: UInt64
    var order: HolderOrder
}

/// What came of an order.
enum HolderAnswer: Codable, Sendable, Hashable {
    case done
    /// Everything is frozen, the first of it since so many microseconds.
    case frozen(microseconds: Int64)
    case outcome(FreezeOutcome)
    case status(FreezeStatus)
    case failed(HolderFailure)
}

/// A line from the holder to the client.
enum HolderMessage: Codable, Sendable, Hashable {
    /// The first line: it can be asked.
    case ready
    /// The first and last line: it cannot.
    case refused(HolderFailure)
    case answer(number: UInt64, HolderAnswer)
    /// A freeze is over. It was frozen for so many microseconds.
    case over(id: String, end: FreezeEnd, microseconds: Int64)
    /// The last line: the client has sent something that is no request.
    case malformed(String)
}

/// Messages as lines of JSON.
enum HolderLine {
    /// The longest line, in bytes. A freeze of a thousand containers fits.
    static let longest = 256 << 10

    static func encode(_ message: some Encodable) -> ByteBuffer {
        let encoder = JSONEncoder()
        encoder.outputFormatting = .withoutEscapingSlashes
        // Strings and integers can always be encoded.
        let bytes = (try? encoder.encode(message)) ?? Data()
        var line = ByteBuffer()
        line.writeBytes(bytes)
        line.writeInteger(UInt8(ascii: "\n"))
        return line
    }

    static func decode<Message: Decodable>(_ type: Message.Type, from line: ByteBuffer) throws -> Message {
        try JSONDecoder().decode(type, from: Data(line.readableBytesView))
    }
}

/// Cuts a stream of bytes into lines, and ends it when one is too long.
struct LineDecoder: ByteToMessageDecoder {
    typealias InboundOut = ByteBuffer

    /// A line is longer than is allowed.
    struct LineTooLong: Error {}

    func decode(context: ChannelHandlerContext, buffer: inout ByteBuffer) throws -> DecodingState {
        guard let newline = buffer.readableBytesView.firstIndex(of: UInt8(ascii: "\n")) else {
            guard buffer.readableBytes <= HolderLine.longest else { throw LineTooLong() }
            return .needMoreData
        }
        let length = newline - buffer.readableBytesView.startIndex
        guard length <= HolderLine.longest, let line = buffer.readSlice(length: length) else { throw LineTooLong() }
        buffer.moveReaderIndex(forwardBy: 1)
        context.fireChannelRead(wrapInboundOut(line))
        return .continue
    }

    /// What comes without its end is no line.
    func decodeLast(
        context: ChannelHandlerContext,
        buffer: inout ByteBuffer,
        seenEOF: Bool
    ) throws -> DecodingState {
        try decode(context: context, buffer: &buffer)
    }
}
