// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import NIOCore

/// Where a compressor puts a piece before anybody knows how long it gets. What is handed on is as long as it has to be, so
/// that pieces on their way take no more memory than they have bytes.
///
/// Belongs to one thread.
final class CompressionScratch {
    private var space = UnsafeMutableRawBufferPointer(start: nil, count: 0)

    deinit { space.deallocate() }

    /// A buffer with what `fill` has written: it gets room for `capacity` bytes and says how many it has put there.
    func piece(capacity: Int, _ fill: (UnsafeMutableRawBufferPointer) throws -> Int) rethrows -> ByteBuffer {
        if space.count < capacity {
            space.deallocate()
            space = .allocate(byteCount: capacity, alignment: 64)
        }
        let count = try fill(UnsafeMutableRawBufferPointer(rebasing: space.prefix(capacity)))
        return ByteBuffer(bytes: UnsafeRawBufferPointer(rebasing: space.prefix(count)))
    }
}
