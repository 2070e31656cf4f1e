// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import NIOCore

/// Cuts bytes into lines, of which each may have so many bytes and no more.
struct LineSplitter {
    struct LineTooLong: Error {}

    let limit: Int
    private var buffer = ByteBuffer()
    /// How many of the buffer's bytes are known to have no line end.
    private var searched = 0

    init(limit: Int) { self.limit = limit }

    /// Takes bytes up.
    mutating func append(_ bytes: ByteBuffer) {
        if buffer.readableBytes == 0 {
            buffer = bytes
            searched = 0
        } else {
            buffer.discardReadBytes()
            buffer.writeImmutableBuffer(bytes)
        }
    }

    /// The next whole line, without its end; `nil` if there is none yet.
    mutating func next() throws(LineTooLong) -> ByteBuffer? {
        let view = buffer.readableBytesView
        let end = buffer.withUnsafeReadableBytes { bytes in
            bytes[min(searched, bytes.count)...].firstIndex(of: UInt8(ascii: "\n"))
        }
        guard let end else {
            searched = view.count
            if searched > limit { throw LineTooLong() }
            return nil
        }
        guard end <= limit else { throw LineTooLong() }
        var line = buffer.readSlice(length: end) ?? ByteBuffer()
        buffer.moveReaderIndex(forwardBy: 1)
        searched = 0
        if line.readableBytesView.last == UInt8(ascii: "\r") {
            line.moveWriterIndex(to: line.writerIndex - 1)
        }
        return line
    }

    /// What comes after the last line end; `nil` if there is nothing.
    mutating func rest() -> ByteBuffer? {
        defer { buffer.clear() }
        return buffer.readableBytes > 0 ? buffer.slice() : nil
    }
}
