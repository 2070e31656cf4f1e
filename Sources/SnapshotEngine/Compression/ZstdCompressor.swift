// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import CZstd
import NIOCore

/// zstd frames, each with its size and its checksum.
final class ZstdCompressor: BlockCompressor {
    private let context: OpaquePointer
    private let scratch = CompressionScratch()

    /// - Parameter level: 1 to 19.
    /// - Throws: `RootfsError.compression` for another level, or without memory.
    init(level: Int) throws {
        guard (1...19).contains(level) else {
            throw RootfsError.compression("zstd has the levels 1 to 19, not \(level)")
        }
        guard let context = ZSTD_createCCtx() else {
            throw RootfsError.compression("zstd did not start: there is no memory for it")
        }
        self.context = context
        ZSTD_CCtx_setParameter(context, ZSTD_c_compressionLevel, Int32(level))
        ZSTD_CCtx_setParameter(context, ZSTD_c_checksumFlag, 1)
    }

    deinit {
        ZSTD_freeCCtx(context)
    }

    func compress(_ block: UnsafeRawBufferPointer) throws -> ByteBuffer {
        try scratch.piece(capacity: ZSTD_compressBound(block.count)) { space in
            let size = ZSTD_compress2(context, space.baseAddress, space.count, block.baseAddress, block.count)
            guard ZSTD_isError(size) == 0 else {
                throw RootfsError.compression("zstd refused a block (\(String(cString: ZSTD_getErrorName(size))))")
            }
            return size
        }
    }
}
