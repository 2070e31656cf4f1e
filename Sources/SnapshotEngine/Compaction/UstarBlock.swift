// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

/// Reading the fields of a ustar block.
enum UstarBlock {
    /// Makes sure that it is one, and undamaged.
    static func check(_ block: [UInt8]) throws(TarError) {
        var sum: UInt64 = 0
        for (index, byte) in block.enumerated() {
            sum += UstarField.checksum.contains(index) ? UInt64(UInt8(ascii: " ")) : UInt64(byte)
        }
        guard try number(block[UstarField.checksum]) == sum else { throw .malformed("a header's checksum is wrong") }
        guard isPOSIX(block) || Array(block[UstarField.magic]) == UstarField.gnu else {
            throw .unsupported("a header of the time before ustar")
        }
    }

    static func isPOSIX(_ block: [UInt8]) -> Bool { Array(block[UstarField.magic]) == UstarField.posix }

    /// The bytes of content.
    static func size(_ block: [UInt8]) throws(TarError) -> Int64 {
        guard let size = Int64(exactly: try number(block[UstarField.size])) else {
            throw .malformed("a size is too large")
        }
        return size
    }

    /// A name, up to the first zero.
    static func text(_ field: ArraySlice<UInt8>) -> [UInt8] { Array(field.prefix { $0 != 0 }) }

    /// The name of an entry that has no longer one in an extended header.
    static func name(_ block: [UInt8]) -> [UInt8] {
        let name = text(block[UstarField.name])
        let prefix = isPOSIX(block) ? text(block[UstarField.prefix]) : []
        return prefix.isEmpty ? name : prefix + [UInt8(ascii: "/")] + name
    }

    /// Octal digits between blanks and zeros, or GNU's binary form.
    private static func number(_ field: ArraySlice<UInt8>) throws(TarError) -> UInt64 {
        if let first = field.first, first & 0x80 != 0 {
            guard first == 0x80, field.dropFirst().dropLast(8).allSatisfy({ $0 == 0 }) else {
                throw .malformed("a number is negative or too large")
            }
            return field.suffix(min(8, field.count - 1)).reduce(0) { $0 << 8 | UInt64($1) }
        }
        let digits = field.drop { $0 == UInt8(ascii: " ") }.prefix {
            (UInt8(ascii: "0")...UInt8(ascii: "7")).contains($0)
        }
        guard field[digits.endIndex...].allSatisfy({ $0 == 0 || $0 == UInt8(ascii: " ") }) else {
            throw .malformed("a number has other characters than octal digits")
        }
        return digits.reduce(0) { $0 << 3 | UInt64($1 - UInt8(ascii: "0")) }
    }
}
