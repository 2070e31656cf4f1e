// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import CZstd

/// zstd (RFC 8878), frame after frame. Windows of up to 128 MiB, as the library has it by default.
final class ZstdDecoder: StreamDecoder {
    private let context: OpaquePointer
    private(set) var isAtEnd = true

    init() throws {
        guard let context = ZSTD_createDCtx() else {
            throw CompactionObstacle.compression("zstd did not start: there is no memory for it")
        }
        self.context = context
    }

    deinit { ZSTD_freeDCtx(context) }

    func decode(_ input: inout UnsafeRawBufferPointer, to output: UnsafeMutableRawBufferPointer) throws -> Int {
        var destination = ZSTD_outBuffer(dst: output.baseAddress, size: output.count, pos: 0)
        while destination.pos < destination.size, !(input.isEmpty && isAtEnd) {
            var source = ZSTD_inBuffer(src: input.baseAddress, size: input.count, pos: 0)
            let before = destination.pos
            let code = ZSTD_decompressStream(context, &destination, &source)
            guard ZSTD_isError(code) == 0 else {
                throw CompactionObstacle.compression(
                    "zstd says that it is damaged (\(String(cString: ZSTD_getErrorName(code))))"
                )
            }
            input = UnsafeRawBufferPointer(rebasing: input.dropFirst(source.pos))
            isAtEnd = code == 0
            if source.pos == 0, destination.pos == before { break }
        }
        return destination.pos
    }
}
