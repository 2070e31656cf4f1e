// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

/// Reads a header's value from left to right, once.
struct HeaderScanner {
    private let bytes: [UInt8]
    private(set) var position = 0

    init(_ text: String) { bytes = Array(text.utf8) }

    /// The byte that is read next; `nil` at the end.
    var peek: UInt8? { position < bytes.count ? bytes[position] : nil }

    /// Goes back to where `position` was.
    mutating func rewind(to position: Int) { self.position = position }

    /// Reads a byte if it is the next one.
    mutating func take(_ byte: UInt8) -> Bool {
        guard peek == byte else { return false }
        position += 1
        return true
    }

    mutating func skip(while matches: (UInt8) -> Bool) {
        while let byte = peek, matches(byte) { position += 1 }
    }

    mutating func skipSpaces() { skip { $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\t") } }

    /// All bytes from here on that match, as text; empty if there are none.
    mutating func text(while matches: (UInt8) -> Bool) -> String {
        let start = position
        skip(while: matches)
        return String(decoding: bytes[start..<position], as: UTF8.self)
    }

    /// A quoted string, if one begins here. One that is not closed ends with the header.
    mutating func quoted() -> String? {
        guard take(UInt8(ascii: "\"")) else { return nil }
        var value: [UInt8] = []
        while let byte = peek {
            position += 1
            if byte == UInt8(ascii: "\"") { break }
            if byte == UInt8(ascii: "\\"), let escaped = peek {
                value.append(escaped)
                position += 1
            } else {
                value.append(byte)
            }
        }
        return String(decoding: value, as: UTF8.self)
    }

    /// Whether a byte may be part of a name (RFC 9110's `token`).
    static func isToken(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"):
            true
        default:
            "!#$%&'*+-.^_`|~".utf8.contains(byte)
        }
    }
}
