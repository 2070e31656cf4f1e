// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

#if ISAL
import CISAL

/// gzip by Intel's ISA-L.
public final class ISALGzipEncoder: GzipEncoder {
    /// Behind a pointer because the library keeps addresses into it.
    private let stream: UnsafeMutablePointer<isal_zstream>
    private let levelBuffer: UnsafeMutablePointer<UInt8>

    /// Creates an encoder.
    ///
    /// - Parameter level: 0 to 3.
    /// - Throws: `RootfsError.compression` for another level.
    public init(level: Int = 1) throws {
        guard (0...3).contains(level) else {
            throw RootfsError.compression("ISA-L has the levels 0 to 3, not \(level)")
        }
        let size = cisal_level_buffer_size(UInt32(level))
        stream = .allocate(capacity: 1)
        levelBuffer = .allocate(capacity: max(Int(size), 1))
        isal_deflate_init(stream)
        stream.pointee.level = UInt32(level)
        stream.pointee.level_buf = size == 0 ? nil : levelBuffer
        stream.pointee.level_buf_size = size
        stream.pointee.gzip_flag = UInt16(IGZIP_GZIP)
    }

    deinit {
        levelBuffer.deallocate()
        stream.deallocate()
    }

    /// Compresses as much of `input` as fits into `output`.
    public func encode(
        _ input: UnsafeRawBufferPointer,
        into output: UnsafeMutableRawBufferPointer,
        isLast: Bool
    ) throws -> GzipStep {
        // The library reads its input only; its parameter is not declared const.
        let source = UnsafeMutableRawPointer(mutating: input.baseAddress)
        stream.pointee.next_in = source?.assumingMemoryBound(to: UInt8.self)
        stream.pointee.avail_in = UInt32(input.count)
        stream.pointee.next_out = output.baseAddress?.assumingMemoryBound(to: UInt8.self)
        stream.pointee.avail_out = UInt32(output.count)
        stream.pointee.end_of_stream = isLast ? 1 : 0
        let code = isal_deflate(stream)
        guard code == COMP_OK else {
            throw RootfsError.compression("ISA-L refused a block (code \(code))")
        }
        return GzipStep(
            consumed: input.count - Int(stream.pointee.avail_in),
            produced: output.count - Int(stream.pointee.avail_out),
            isFinished: cisal_is_finished(stream) != 0
        )
    }
}
#endif
