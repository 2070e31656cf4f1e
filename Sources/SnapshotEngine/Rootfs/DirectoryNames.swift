// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import CLinux
import Glibc

/// The names in a directory, in the order of their bytes. One array holds them all: a directory of a million files
/// costs its names and twelve bytes each.
struct DirectoryNames {
    /// The names, each with the zero that system calls want.
    private var bytes: [UInt8] = []
    private var ranges: [Range] = []

    private struct Range {
        var start: Int
        var count: Int32
    }

    /// No names.
    init() {}

    /// How many there are.
    var count: Int { ranges.count }

    /// Reads all names but `.` and `..`.
    ///
    /// - Parameter buffer: Scratch space of the caller, some 10 KiB or more.
    init(
        reading descriptor: Int32,
        buffer: UnsafeMutableRawBufferPointer,
        path: @autoclosure () -> String
    ) throws {
        while true {
            let size = try SystemCall.result("getdents64", path()) {
                clinux_read_directory(descriptor, buffer.baseAddress, buffer.count)
            }
            if size == 0 { break }
            append(records: UnsafeRawBufferPointer(rebasing: buffer[..<size]))
        }
        bytes.withUnsafeBytes { bytes in
            ranges.sort { left, right in
                // With the zero at the end, a name comes before those that it begins.
                let count = Int(min(left.count, right.count)) + 1
                guard let base = bytes.baseAddress else { return false }
                return memcmp(base + left.start, base + right.start, count) < 0
            }
        }
    }

    /// linux_dirent64: inode (8), offset (8), length of the record (2), type (1), name and zero.
    private mutating func append(records: UnsafeRawBufferPointer) {
        var position = 0
        while position + 19 < records.count {
            let length = Int(records.loadUnaligned(fromByteOffset: position + 16, as: UInt16.self))
            guard length > 19, position + length <= records.count else { return }
            let field = records[(position + 19)..<(position + length)]
            let name = field.prefix { $0 != 0 }
            position += length
            if name.elementsEqual([UInt8(ascii: ".")]) || name.elementsEqual([UInt8(ascii: "."), UInt8(ascii: ".")]) {
                continue
            }
            ranges.append(Range(start: bytes.count, count: Int32(name.count)))
            bytes.append(contentsOf: name)
            bytes.append(0)
        }
    }

    /// Lends the name at a position, with a zero behind its end.
    func withName<Result>(at index: Int, _ body: (UnsafeBufferPointer<UInt8>) throws -> Result) rethrows -> Result {
        let range = ranges[index]
        return try bytes.withUnsafeBufferPointer {
            try body(UnsafeBufferPointer(rebasing: $0[range.start..<(range.start + Int(range.count))]))
        }
    }
}
