// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import struct Foundation.Date

/// JSON that is being written, without what makes an encoder slow: the shape is the caller's own.
struct JSONText {
    private(set) var bytes: [UInt8] = []

    init(reserving count: Int = 1024) {
        bytes.reserveCapacity(count)
    }

    /// Writes what is JSON already.
    mutating func raw(_ text: StaticString) {
        bytes.append(contentsOf: UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
    }

    /// Writes what is JSON already.
    mutating func raw(_ json: some Sequence<UInt8>) {
        bytes.append(contentsOf: json)
    }

    /// Writes an integer.
    mutating func integer(_ value: Int) {
        bytes.append(contentsOf: String(value).utf8)
    }

    /// Writes a string, with the escapes that `JSONEncoder` has.
    mutating func string(_ text: String) {
        var text = text
        bytes.append(UInt8(ascii: "\""))
        text.withUTF8 { utf8 in
            if utf8.allSatisfy({ $0 >= 0x20 && $0 != UInt8(ascii: "\"") && $0 != UInt8(ascii: "\\") }) {
                bytes.append(contentsOf: utf8)
            } else {
                for byte in utf8 { escape(byte) }
            }
        }
        bytes.append(UInt8(ascii: "\""))
    }

    /// Writes a date.
    mutating func date(_ date: Date) {
        bytes.append(UInt8(ascii: "\""))
        bytes.append(contentsOf: date.rfc3339.utf8)
        bytes.append(UInt8(ascii: "\""))
    }

    /// Writes an object of strings, its names in order.
    mutating func strings(_ strings: [String: String]) {
        bytes.append(UInt8(ascii: "{"))
        for (place, (name, value)) in strings.sorted(by: { Self.isBefore($0.key, $1.key) }).enumerated() {
            if place > 0 { bytes.append(UInt8(ascii: ",")) }
            string(name)
            bytes.append(UInt8(ascii: ":"))
            string(value)
        }
        bytes.append(UInt8(ascii: "}"))
    }

    /// Writes a list of strings.
    mutating func list(_ strings: [String]) {
        bytes.append(UInt8(ascii: "["))
        for (place, text) in strings.enumerated() {
            if place > 0 { bytes.append(UInt8(ascii: ",")) }
            string(text)
        }
        bytes.append(UInt8(ascii: "]"))
    }

    /// The order that `JSONEncoder` has: that of the bytes.
    private static func isBefore(_ left: String, _ right: String) -> Bool {
        left.utf8.lexicographicallyPrecedes(right.utf8)
    }

    private mutating func escape(_ byte: UInt8) {
        switch byte {
        case UInt8(ascii: "\""): raw("\\\"")
        case UInt8(ascii: "\\"): raw("\\\\")
        case 0x08: raw("\\b")
        case 0x09: raw("\\t")
        case 0x0A: raw("\\n")
        case 0x0C: raw("\\f")
        case 0x0D: raw("\\r")
        case 0..<0x20:
            raw("\\u00")
            bytes.append(Self.digit(byte >> 4))
            bytes.append(Self.digit(byte & 15))
        default: bytes.append(byte)
        }
    }

    private static func digit(_ value: UInt8) -> UInt8 { value < 10 ? 48 + value : 87 + value }
}
