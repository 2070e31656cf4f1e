// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import NIOCore

/// A gzip member (RFC 1952) that holds its block as it is, in stored blocks (RFC 1951, 3.2.4).
enum StoredMember {
    private static let longestStored = 65_535
    private static let header: [UInt8] = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff]

    /// Bytes of the member of a block of so many.
    static func size(of count: Int) -> Int {
        let parts = max(1, (count + longestStored - 1) / longestStored)
        return header.count + parts * 5 + count + 8
    }

    static func make(of block: UnsafeRawBufferPointer, checksum: (UnsafeRawBufferPointer) -> UInt32) -> ByteBuffer {
        var member = ByteBufferAllocator().buffer(capacity: size(of: block.count))
        member.writeBytes(header)
        var rest = block
        repeat {
            let part = UnsafeRawBufferPointer(rebasing: rest.prefix(longestStored))
            rest = UnsafeRawBufferPointer(rebasing: rest.dropFirst(longestStored))
            member.writeInteger(UInt8(rest.isEmpty ? 1 : 0))
            member.writeInteger(UInt16(part.count), endianness: .little)
            member.writeInteger(~UInt16(part.count), endianness: .little)
            member.writeBytes(part)
        } while !rest.isEmpty
        member.writeInteger(checksum(block), endianness: .little)
        member.writeInteger(UInt32(truncatingIfNeeded: block.count), endianness: .little)
        return member
    }
}
