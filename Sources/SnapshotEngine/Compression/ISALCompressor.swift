// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

#if ISAL
import CISAL
import NIOCore

/// gzip members by Intel's ISA-L.
final class ISALCompressor: BlockCompressor {
    /// Behind a pointer because the library keeps addresses into it.
    private let stream: UnsafeMutablePointer<isal_zstream>
    private let levelBuffer: UnsafeMutablePointer<UInt8>
    private let levelBufferSize: UInt32
    private let level: UInt32
    private let scratch = CompressionScratch()

    /// - Parameter level: 0 to 3.
    /// - Throws: `RootfsError.compression` for another level.
    init(level: Int) throws {
        guard (0...3).contains(level) else {
            throw RootfsError.compression("ISA-L has the levels 0 to 3, not \(level)")
        }
        self.level = UInt32(level)
        levelBufferSize = cisal_level_buffer_size(self.level)
        // The library's own initialization leaves the window's size as it finds it.
        stream = .allocate(capacity: 1)
        stream.initialize(to: isal_zstream())
        levelBuffer = .allocate(capacity: max(Int(levelBufferSize), 1))
    }

    deinit {
        levelBuffer.deallocate()
        stream.deallocate()
    }

    func compress(_ block: UnsafeRawBufferPointer) throws -> ByteBuffer {
        if Randomness.looksRandom(block) { return stored(block) }
        isal_deflate_stateless_init(stream)
        stream.pointee.level = level
        stream.pointee.level_buf = levelBufferSize == 0 ? nil : levelBuffer
        stream.pointee.level_buf_size = levelBufferSize
        stream.pointee.gzip_flag = UInt16(IGZIP_GZIP)
        stream.pointee.end_of_stream = 1
        // The library reads its input only; its parameter is not declared const.
        let source = UnsafeMutableRawPointer(mutating: block.baseAddress)
        stream.pointee.next_in = source?.assumingMemoryBound(to: UInt8.self)
        stream.pointee.avail_in = UInt32(block.count)
        let piece = try scratch.piece(capacity: block.count + block.count / 7 + 512) { space in
            stream.pointee.next_out = space.baseAddress?.assumingMemoryBound(to: UInt8.self)
            stream.pointee.avail_out = UInt32(space.count)
            let code = isal_deflate_stateless(stream)
            guard code == COMP_OK, stream.pointee.avail_in == 0 else {
                throw RootfsError.compression("ISA-L refused a block (code \(code))")
            }
            return space.count - Int(stream.pointee.avail_out)
        }
        return piece.readableBytes <= StoredMember.size(of: block.count) ? piece : stored(block)
    }

    private func stored(_ block: UnsafeRawBufferPointer) -> ByteBuffer {
        StoredMember.make(of: block) { block in
            crc32_gzip_refl(0, block.baseAddress?.assumingMemoryBound(to: UInt8.self), UInt64(block.count))
        }
    }
}
#endif
