// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import NIOCore

/// Gathers bytes into blocks of one size and hands each on when it is full: the unit in which a layer is hashed and
/// compressed.
struct BlockBuffer: ~Copyable {
    private let blockSize: Int
    private let make: (Int) throws -> ByteBuffer
    private let consume: (ByteBuffer) throws -> Void
    private var block: ByteBuffer?
    /// All bytes so far.
    private(set) var total: Int64 = 0

    /// Creates a buffer.
    ///
    /// - Parameters:
    ///   - make: Gives a buffer of a capacity for the next block; what is in it is dropped.
    ///   - consume: Gets each block.
    init(
        blockSize: Int = 1 << 20,
        make: @escaping (Int) throws -> ByteBuffer = { ByteBufferAllocator().buffer(capacity: $0) },
        consume: @escaping (ByteBuffer) throws -> Void
    ) {
        self.blockSize = blockSize
        self.make = make
        self.consume = consume
    }

    /// Appends bytes.
    mutating func append(_ bytes: UnsafeRawBufferPointer) throws {
        var rest = bytes
        while !rest.isEmpty {
            let part = try fill(Int64(rest.count)) { space in
                let count = min(rest.count, space.count)
                space.copyMemory(from: UnsafeRawBufferPointer(rebasing: rest.prefix(count)))
                return count
            }
            rest = UnsafeRawBufferPointer(rebasing: rest.dropFirst(part))
        }
    }

    /// Appends zeros.
    mutating func appendZeros(_ length: Int64) throws {
        var rest = length
        while rest > 0 {
            rest -= Int64(
                try fill(rest) { space in
                    space.initializeMemory(as: UInt8.self, repeating: 0)
                    return space.count
                }
            )
        }
    }

    /// Lets `write` put up to `limit` bytes into the block, and says how many it put there.
    mutating func fill(_ limit: Int64, _ write: (UnsafeMutableRawBufferPointer) throws -> Int) throws -> Int {
        var block = try takeBlock()
        let room = Int(min(limit, Int64(blockSize - block.readableBytes)))
        let part = try block.writeWithUnsafeMutableBytes(minimumWritableBytes: room) { space in
            try write(UnsafeMutableRawBufferPointer(rebasing: space.prefix(room)))
        }
        total += Int64(part)
        let isFull = block.readableBytes == blockSize
        self.block = block
        if isFull { try flush() }
        return part
    }

    /// Hands on what is left.
    mutating func flush() throws {
        guard let full = block.take(), full.readableBytes > 0 else { return }
        try consume(full)
    }

    /// The block that is being filled. Taken out, so that writing into it copies nothing.
    private mutating func takeBlock() throws -> ByteBuffer {
        if let block = block.take() { return block }
        var block = try make(blockSize)
        block.clear(minimumCapacity: blockSize)
        return block
    }
}
