// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

/// Gathers bytes into blocks of one size and hands each on when it is full: the unit in which a layer is hashed and
/// compressed.
struct BlockBuffer: ~Copyable {
    private let memory: UnsafeMutableRawBufferPointer
    /// A block that stays zero, for holes.
    private let zeros: UnsafeMutableRawBufferPointer
    private let consume: (UnsafeRawBufferPointer) throws -> Void
    private var count = 0
    /// All bytes so far.
    private(set) var total: Int64 = 0

    /// Creates a buffer.
    ///
    /// - Parameter consume: Gets each block, which is valid only during the call.
    init(blockSize: Int = 1 << 20, consume: @escaping (UnsafeRawBufferPointer) throws -> Void) {
        memory = .allocate(byteCount: blockSize, alignment: 4096)
        zeros = .allocate(byteCount: blockSize, alignment: 4096)
        zeros.initializeMemory(as: UInt8.self, repeating: 0)
        self.consume = consume
    }

    deinit {
        memory.deallocate()
        zeros.deallocate()
    }

    /// Appends bytes.
    mutating func append(_ bytes: UnsafeRawBufferPointer) throws {
        var rest = bytes
        while !rest.isEmpty {
            let part = min(rest.count, memory.count - count)
            UnsafeMutableRawBufferPointer(rebasing: memory[count...]).copyMemory(
                from: UnsafeRawBufferPointer(rebasing: rest[..<part])
            )
            try advance(by: part)
            rest = UnsafeRawBufferPointer(rebasing: rest[part...])
        }
    }

    /// Appends zeros.
    mutating func appendZeros(_ length: Int64) throws {
        var rest = length
        while rest > 0 {
            if count == 0, rest >= Int64(memory.count) {
                total += Int64(memory.count)
                rest -= Int64(memory.count)
                try consume(UnsafeRawBufferPointer(zeros))
                continue
            }
            let part = Int(min(rest, Int64(memory.count - count)))
            UnsafeMutableRawBufferPointer(rebasing: memory[count..<(count + part)]).initializeMemory(
                as: UInt8.self,
                repeating: 0
            )
            try advance(by: part)
            rest -= Int64(part)
        }
    }

    /// Lets `read` put up to `limit` bytes into the block, and says how many it put there.
    mutating func fill(_ limit: Int64, _ read: (UnsafeMutableRawBufferPointer) throws -> Int) throws -> Int {
        let end = count + Int(min(limit, Int64(memory.count - count)))
        let part = try read(UnsafeMutableRawBufferPointer(rebasing: memory[count..<end]))
        try advance(by: part)
        return part
    }

    /// Hands on what is left.
    mutating func flush() throws {
        guard count > 0 else { return }
        let full = UnsafeRawBufferPointer(rebasing: memory[..<count])
        count = 0
        try consume(full)
    }

    private mutating func advance(by part: Int) throws {
        count += part
        total += Int64(part)
        if count == memory.count { try flush() }
    }
}
