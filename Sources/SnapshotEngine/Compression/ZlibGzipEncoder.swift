// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import CZlib

/// gzip by zlib, for builds without ISA-L.
public final class ZlibGzipEncoder: GzipEncoder {
    private let encoder: OpaquePointer

    /// Creates an encoder.
    ///
    /// - Parameter level: 0 to 9.
    /// - Throws: `RootfsError.compression` for another level, or without memory.
    public init(level: Int = 1) throws {
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

    /// Compresses as much of `input` as fits into `output`.
    public func encode(
        _ input: UnsafeRawBufferPointer,
        into output: UnsafeMutableRawBufferPointer,
        isLast: Bool
    ) throws -> GzipStep {
        let step = czlib_encode(
            encoder,
            input.baseAddress,
            UInt32(input.count),
            output.baseAddress,
            UInt32(output.count),
            isLast ? 1 : 0
        )
        guard czlib_is_success(step.code) != 0 else {
            throw RootfsError.compression("zlib refused a block (code \(step.code))")
        }
        return GzipStep(
            consumed: Int(step.consumed),
            produced: Int(step.produced),
            isFinished: czlib_is_end(step.code) != 0
        )
    }
}
