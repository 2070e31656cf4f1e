// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

/// The name of an object's member as it is written, valid as long as the document's bytes.
struct MemberName {
    private let bytes: UnsafeBufferPointer<UInt8>
    /// The name, if it has escapes.
    private let decoded: String?
    private let isASCII: Bool
    private let offset: Int

    init(_ bytes: UnsafeBufferPointer<UInt8>, decoded: String?, isASCII: Bool, offset: Int) {
        self.bytes = bytes
        self.decoded = decoded
        self.isASCII = isASCII
        self.offset = offset
    }

    /// Whether it is a certain name.
    @inline(__always)
    func matches(_ name: StaticString) -> Bool {
        // Asked for many fields of every object: the lengths tell most apart, and the last letters most of the rest.
        let count = name.utf8CodeUnitCount
        guard bytes.count == count else { return hasEscapes && matchesDecoded(name) }
        var place = count
        while place > 0 {
            place -= 1
            if bytes[place] != name.utf8Start[place] { return hasEscapes && matchesDecoded(name) }
        }
        return true
    }

    private var hasEscapes: Bool { decoded != nil }

    @inline(never)
    private func matchesDecoded(_ name: StaticString) -> Bool {
        let expected = UnsafeBufferPointer(start: name.utf8Start, count: name.utf8CodeUnitCount)
        return decoded?.utf8.elementsEqual(expected) == true
    }

    /// The name.
    ///
    /// - Throws: `JSONError` if it is no UTF-8.
    func name() throws(JSONError) -> String {
        if let decoded { return decoded }
        if isASCII { return String(decoding: bytes, as: UTF8.self) }
        guard let name = String(validating: bytes, as: UTF8.self) else {
            throw JSONError("has a name that is no UTF-8", at: offset)
        }
        return name
    }
}
