// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import CZlib
import NIOCore

/// gzip members by zlib, for builds without ISA-L.
final class ZlibCompressor: BlockCompressor {
    private let encoder: OpaquePointer
    private let scratch = CompressionScratch()

    /// - Parameter level: 0 to 9.
    /// - Throws: `RootfsError.compression` for another level, or without memory.
    init(level: Int) throws {
        guard (0...9).contains(level) else {
            throw RootfsError.compression("zlib has the levels 0 to 9, not \(level)")
        }
        guard let encoder = czlib_create(Int32(level)) else {
            throw RootfsError.compression("zlib did not start: there is no memory for it")
        }
        self.encoder = encoder
    }

    deinit {
        czlib_destroy(encoder)
    }

    func compress(_ block: UnsafeRawBufferPointer) throws -> ByteBuffer {
        if Randomness.looksRandom(block) { return stored(block) }
        // More than zlib ever needs, as its own estimate for any of its settings has it.
        let piece = try scratch.piece(capacity: block.count + block.count / 7 + 64) { space in
            let (size, room) = (UInt32(block.count), UInt32(space.count))
            let member = czlib_compress(encoder, block.baseAddress, size, space.baseAddress, room)
            guard czlib_is_end(member.code) != 0 else {
                throw RootfsError.compression("zlib refused a block (code \(member.code))")
            }
            return Int(member.produced)
        }
        return piece.readableBytes <= StoredMember.size(of: block.count) ? piece : stored(block)
    }

    private func stored(_ block: UnsafeRawBufferPointer) -> ByteBuffer {
        StoredMember.make(of: block) { czlib_crc32($0.baseAddress, UInt32($0.count)) }
    }
}
