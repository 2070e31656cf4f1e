// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import NIOCore

/// The bytes of a file, 1 MiB at a time, read as they are asked for.
struct LayoutBlobSource: AsyncSequence, Sendable {
    let file: OpenFile

    func makeAsyncIterator() -> Iterator { Iterator(file: file) }

    struct Iterator: AsyncIteratorProtocol {
        let file: OpenFile
        var offset: Int64 = 0

        mutating func next() async throws -> ByteBuffer? {
            let (file, offset) = (file, offset)
            let piece = try await BlockingIO.run { try file.read(at: offset, count: 1 << 20) }
            self.offset += Int64(piece.readableBytes)
            return piece.readableBytes == 0 ? nil : piece
        }
    }
}
