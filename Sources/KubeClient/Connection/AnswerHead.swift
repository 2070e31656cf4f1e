// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import NIOCore

/// What an answer begins with: its code, and fields that are looked up in the bytes they came in. Few are ever asked for.
struct AnswerHead: Sendable {
    let code: Int
    /// Lines of `name: value`, each with its end.
    let fields: ByteBuffer

    /// The first value of a field, by its name in any case.
    func first(_ name: StaticString) -> String? { values(name, atMost: 1).first }

    /// The values of a field, by its name in any case.
    func values(_ name: StaticString, atMost limit: Int = .max) -> [String] {
        let name = UnsafeBufferPointer(start: name.utf8Start, count: name.utf8CodeUnitCount)
        return fields.withUnsafeReadableBytes { bytes in
            var found: [String] = []
            var start = 0
            while start < bytes.count, found.count < limit {
                let end = bytes[start...].firstIndex(of: UInt8(ascii: "\n")) ?? bytes.count
                let line = bytes[start..<end]
                start = end + 1
                guard line.count > name.count, line[line.startIndex + name.count] == UInt8(ascii: ":"),
                    line.hasPrefix(name)
                else { continue }
                found.append(String(decoding: line.dropFirst(name.count + 1).withoutBlanks, as: UTF8.self))
            }
            return found
        }
    }
}

extension Slice<UnsafeRawBufferPointer> {
    /// Whether it begins with some ASCII letters, in whichever case.
    func hasPrefix(_ name: UnsafeBufferPointer<UInt8>) -> Bool {
        count >= name.count && zip(self, name).allSatisfy { $0 == $1 || Self.lowercased($0) == Self.lowercased($1) }
    }

    /// What is left without blanks and line ends around it.
    var withoutBlanks: Self {
        var rest = self
        while let first = rest.first, Self.isBlank(first) { rest = rest.dropFirst() }
        while let last = rest.last, Self.isBlank(last) { rest = rest.dropLast() }
        return rest
    }

    private static func isBlank(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x09 || byte == 0x0D }

    private static func lowercased(_ byte: UInt8) -> UInt8 {
        UInt8(ascii: "A")...UInt8(ascii: "Z") ~= byte ? byte | 0x20 : byte
    }
}
