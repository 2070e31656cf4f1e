// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import NIOCore

/// Compresses the blocks of a layer, each into a piece that stands for itself (a gzip member, a zstd frame), so that
/// several blocks can be compressed at once. The pieces in their order are one valid stream.
///
/// A compressor belongs to one thread. The same block gives the same bytes on the same machine. Other machines may
/// compress otherwise, so the digest of a compressed layer says nothing about its content; the diff ID does.
protocol BlockCompressor: AnyObject {
    /// Compresses a block of at most 1 GiB.
    ///
    /// - Throws: `RootfsError.compression` if the library refuses.
    func compress(_ block: UnsafeRawBufferPointer) throws -> ByteBuffer
}
