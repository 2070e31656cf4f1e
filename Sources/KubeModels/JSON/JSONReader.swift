// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

/// Reads JSON (RFC 8259) from bytes in memory, strictly and in one pass.
///
/// It exists only while a document is read: `JSONConvertible.init(json:)` makes one.
public struct JSONReader: ~Copyable {
    /// How deep arrays and objects may be nested. Nothing that Kubernetes serves comes near.
    static let depthLimit = 256

    private let bytes: UnsafeBufferPointer<UInt8>
    private var position = 0
    private var depth = 0
    /// Whether the container that was just entered has had no element yet.
    private var isFirst = false

    init(_ bytes: UnsafeRawBufferPointer) {
        self.bytes = bytes.bindMemory(to: UInt8.self)
    }

    /// How many bytes have been read.
    public var offset: Int { position }

    /// An error about what comes next.
    public func error(_ reason: String) -> JSONError { JSONError(reason, at: position) }

    // MARK: Documents and containers

    /// Makes sure that nothing comes any more.
    mutating func finish() throws(JSONError) {
        skipSpace()
        if position < bytes.count { throw error("has something after its end") }
    }

    /// Begins an object. Its members are read by turns of `nextKey` and a value.
    public mutating func enterObject() throws(JSONError) {
        guard try peek() == UInt8(ascii: "{") else { throw mismatch("an object") }
        try enter()
    }

    /// Begins an array. Its elements are read by turns of `hasNextElement` and a value.
    public mutating func enterArray() throws(JSONError) {
        guard try peek() == UInt8(ascii: "[") else { throw mismatch("an array") }
        try enter()
    }

    /// Goes to the next member's value; `nil` after the last member.
    public mutating func nextKey() throws(JSONError) -> JSONKey? { try nextName().map { JSONKey($0) } }

    /// The same, for those who keep it no longer than the reader.
    mutating func nextName() throws(JSONError) -> MemberName? {
        guard try advance(to: UInt8(ascii: "}")) else { return nil }
        guard try peek() == UInt8(ascii: "\"") else { throw error("has a member without a name") }
        let start = position + 1
        let form = try skipString()
        let content = UnsafeBufferPointer(rebasing: bytes[start..<(position - 1)])
        let decoded = form.hasEscapes ? try unescape(start..<(position - 1)) : nil
        let name = MemberName(content, decoded: decoded, isASCII: form.isASCII, offset: start)
        guard try peek() == UInt8(ascii: ":") else { throw error("has a member without a value") }
        position += 1
        return name
    }

    /// Goes to the next element; false after the last one.
    public mutating func hasNextElement() throws(JSONError) -> Bool { try advance(to: UInt8(ascii: "]")) }

    /// Reads a value. If it is not of this type, it is still what comes next.
    mutating func attempt<Value: JSONConvertible>(_ type: Value.Type) -> Result<Value, JSONError> {
        let before = (position, depth, isFirst)
        do {
            return .success(try Value(from: &self))
        } catch {
            (position, depth, isFirst) = before
            return .failure(error)
        }
    }

    private mutating func enter() throws(JSONError) {
        guard depth < Self.depthLimit else { throw error("is nested too deeply") }
        depth += 1
        position += 1
        isFirst = true
    }

    private mutating func advance(to end: UInt8) throws(JSONError) -> Bool {
        let next = try peek()
        if next == end {
            // What was entered last may have been left without an element; a comma before the end is none of ours.
            position += 1
            depth -= 1
            isFirst = false
            return false
        }
        if isFirst {
            isFirst = false
            return true
        }
        guard next == UInt8(ascii: ",") else { throw error("has no comma between two values") }
        position += 1
        guard try peek() != end else { throw error("has a comma after its last value") }
        return true
    }

    // MARK: Values

    /// Reads `null` if that comes next.
    public mutating func readNull() throws(JSONError) -> Bool {
        guard try peek() == UInt8(ascii: "n") else { return false }
        try readLiteral("null")
        return true
    }

    /// Reads a string.
    public mutating func readString() throws(JSONError) -> String {
        guard try peek() == UInt8(ascii: "\"") else { throw mismatch("a string") }
        let start = position + 1
        let form = try skipString()
        let range = start..<(position - 1)
        return form.hasEscapes ? try unescape(range) : try text(range, isASCII: form.isASCII)
    }

    /// The bytes of a string that is written as it is read, for those who do not need a string of it; they are valid as long as
    /// the reader. `nil` for anything else, which is then still what comes next.
    mutating func readPlainBytes() throws(JSONError) -> UnsafeBufferPointer<UInt8>? {
        guard try peek() == UInt8(ascii: "\"") else { return nil }
        let start = position
        guard try !skipString().hasEscapes else {
            position = start
            return nil
        }
        return UnsafeBufferPointer(rebasing: bytes[(start + 1)..<(position - 1)])
    }

    /// Reads `true` or `false`.
    public mutating func readBool() throws(JSONError) -> Bool {
        switch try peek() {
        case UInt8(ascii: "t"):
            try readLiteral("true")
            return true
        case UInt8(ascii: "f"):
            try readLiteral("false")
            return false
        default: throw mismatch("true or false")
        }
    }

    /// Reads a number that is written without fraction and exponent, as Kubernetes writes its integers.
    public mutating func readInteger() throws(JSONError) -> Int {
        if let value = readShortInteger() { return value }
        let start = position
        let number = try readNumber()
        guard let value = Int(number) else {
            throw JSONError("is \(number.prefix(40)), which is no whole number of 64 bits", at: start)
        }
        return value
    }

    /// Reads up to 18 digits with nothing behind them that a number can have; nothing if there is something else.
    private mutating func readShortInteger() -> Int? {
        var place = position
        var value = 0
        while place < bytes.count, place - position < 18, bytes[place] &- 48 < 10 {
            value = value * 10 + Int(bytes[place] &- 48)
            place += 1
        }
        // A number that ends with the document is left to those who know whether it may.
        guard 1...18 ~= place - position, place < bytes.count, bytes[position] != 48 || place == position + 1 else {
            return nil
        }
        switch bytes[place] {
        case UInt8(ascii: ","), UInt8(ascii: "}"), UInt8(ascii: "]"):
            position = place
            return value
        default: return nil
        }
    }

    /// Reads a number as it is spelled.
    public mutating func readNumber() throws(JSONError) -> String {
        switch try peek() {
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"): break
        default: throw mismatch("a number")
        }
        let start = position
        try skipNumber()
        return String(decoding: UnsafeBufferPointer(rebasing: bytes[start..<position]), as: UTF8.self)
    }

    /// Reads a value of any kind without taking it apart.
    public mutating func readRaw() throws(JSONError) -> RawJSON {
        skipSpace()
        let start = position
        try skipValue()
        return RawJSON(unchecked: try text(start..<position))
    }

    /// What kind of value comes next.
    public mutating func nextKind() throws(JSONError) -> JSONKind {
        switch try peek() {
        case UInt8(ascii: "{"): return .object
        case UInt8(ascii: "["): return .array
        case UInt8(ascii: "\""): return .string
        case UInt8(ascii: "t"), UInt8(ascii: "f"): return .bool
        case UInt8(ascii: "n"): return .null
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"): return .number
        default: throw error("is no JSON")
        }
    }

    /// Passes over a value of any kind.
    public mutating func skipValue() throws(JSONError) {
        switch try nextKind() {
        case .object:
            try enterObject()
            while try advance(to: UInt8(ascii: "}")) {
                guard try peek() == UInt8(ascii: "\"") else { throw error("has a member without a name") }
                _ = try skipString()
                guard try peek() == UInt8(ascii: ":") else { throw error("has a member without a value") }
                position += 1
                try skipValue()
            }
        case .array:
            try enterArray()
            while try hasNextElement() { try skipValue() }
        case .string: _ = try skipString()
        case .bool: _ = try readBool()
        case .null: try readLiteral("null")
        case .number: try skipNumber()
        }
    }

    // MARK: Bytes

    private mutating func skipSpace() {
        while position < bytes.count {
            switch bytes[position] {
            case 0x20, 0x0A, 0x0D, 0x09: position += 1
            default: return
            }
        }
    }

    @inline(__always)
    private mutating func peek() throws(JSONError) -> UInt8 {
        // Servers write no spaces.
        if position < bytes.count, bytes[position] > 0x20 { return bytes[position] }
        skipSpace()
        guard position < bytes.count else { throw error("ends too early") }
        return bytes[position]
    }

    private mutating func mismatch(_ expected: String) -> JSONError {
        let found = (try? nextKind())?.description
        return error(found.map { "is \($0), not \(expected)" } ?? "is no JSON")
    }

    private mutating func readLiteral(_ literal: StaticString) throws(JSONError) {
        let count = literal.utf8CodeUnitCount
        guard position + count <= bytes.count,
            UnsafeBufferPointer(rebasing: bytes[position..<(position + count)])
                .elementsEqual(UnsafeBufferPointer(start: literal.utf8Start, count: count))
        else { throw error("is no JSON") }
        position += count
    }

    private mutating func skipNumber() throws(JSONError) {
        func isDigit(_ at: Int) -> Bool { at < bytes.count && bytes[at] &- 48 < 10 }
        let start = position
        if bytes[position] == UInt8(ascii: "-") { position += 1 }
        guard isDigit(position) else { throw error("has a number without digits") }
        let hasLeadingZero = bytes[position] == UInt8(ascii: "0")
        position += 1
        while isDigit(position) {
            if hasLeadingZero { throw JSONError("has a number that begins with a zero", at: start) }
            position += 1
        }
        if position < bytes.count, bytes[position] == UInt8(ascii: ".") {
            position += 1
            guard isDigit(position) else { throw error("has a number without digits after the point") }
            while isDigit(position) { position += 1 }
        }
        if position < bytes.count, bytes[position] | 0x20 == UInt8(ascii: "e") {
            position += 1
            if position < bytes.count, bytes[position] == UInt8(ascii: "+") || bytes[position] == UInt8(ascii: "-") {
                position += 1
            }
            guard isDigit(position) else { throw error("has a number without digits in its exponent") }
            while isDigit(position) { position += 1 }
        }
    }

    /// What is known of a string that was passed over.
    private struct StringForm {
        var hasEscapes = false
        /// Whether its bytes are all ASCII, as nearly all are: then nobody has to look at them again.
        var isASCII: Bool { bits & 0x8080_8080_8080_8080 == 0 }
        /// All its bytes in eight.
        var bits: UInt64 = 0
    }

    /// Passes over a string from its first quote to behind its last one.
    private mutating func skipString() throws(JSONError) -> StringForm {
        var form = StringForm()
        var place = position + 1
        while true {
            // Eight at a time as long as all are plain: the lowest byte of `ends` that is not zero is the first that is not.
            while place + 8 <= bytes.count, let base = bytes.baseAddress {
                let word = UInt64(
                    littleEndian: UnsafeRawPointer(base + place).loadUnaligned(as: UInt64.self)
                )
                let quotes = word ^ 0x2222_2222_2222_2222
                let slashes = word ^ 0x5C5C_5C5C_5C5C_5C5C
                let ends =
                    (((quotes &- 0x0101_0101_0101_0101) & ~quotes)
                        | ((slashes &- 0x0101_0101_0101_0101) & ~slashes)
                        | ((word &- 0x2020_2020_2020_2020) & ~word)) & 0x8080_8080_8080_8080
                guard ends == 0 else {
                    let plain = ends.trailingZeroBitCount & ~7
                    form.bits |= word & (1 << UInt64(plain) &- 1)
                    place += plain >> 3
                    break
                }
                form.bits |= word
                place += 8
            }
            guard place < bytes.count else { break }
            let byte = bytes[place]
            switch byte {
            case UInt8(ascii: "\""):
                position = place + 1
                return form
            case UInt8(ascii: "\\"):
                form.hasEscapes = true
                position = place + 1
                try skipEscape()
                place = position
            case 0..<0x20:
                position = place
                throw error("has a control character in a string")
            default:
                form.bits |= UInt64(byte)
                place += 1
            }
        }
        position = place
        throw error("ends too early")
    }

    private mutating func skipEscape() throws(JSONError) {
        guard position < bytes.count else { throw error("ends too early") }
        switch bytes[position] {
        case UInt8(ascii: "u"):
            guard position + 4 < bytes.count,
                bytes[(position + 1)...(position + 4)].allSatisfy({ Self.hexadecimal($0) != nil })
            else { throw error("has an escape without four hexadecimal digits") }
            position += 5
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"), UInt8(ascii: "b"), UInt8(ascii: "f"),
            UInt8(ascii: "n"), UInt8(ascii: "r"), UInt8(ascii: "t"):
            position += 1
        default: throw error("has an escape that JSON does not know")
        }
    }

    private func text(_ range: Range<Int>, isASCII: Bool = false) throws(JSONError) -> String {
        let content = UnsafeBufferPointer(rebasing: bytes[range])
        if isASCII { return String(decoding: content, as: UTF8.self) }
        guard let text = String(validating: content, as: UTF8.self) else {
            throw JSONError("has a text that is no UTF-8", at: range.lowerBound)
        }
        return text
    }

    /// The text of a string whose escapes have been found to be well formed. Half a surrogate pair becomes U+FFFD, as Go
    /// has it.
    private func unescape(_ range: Range<Int>) throws(JSONError) -> String {
        var result: [UInt8] = []
        result.reserveCapacity(range.count)
        var at = range.lowerBound
        func unit(_ at: Int) -> UInt32? {
            guard at + 6 <= range.upperBound, bytes[at] == UInt8(ascii: "\\"), bytes[at + 1] == UInt8(ascii: "u") else {
                return nil
            }
            return bytes[(at + 2)..<(at + 6)].reduce(0) { $0 << 4 | UInt32(Self.hexadecimal($1) ?? 0) }
        }
        while at < range.upperBound {
            guard bytes[at] == UInt8(ascii: "\\") else {
                result.append(bytes[at])
                at += 1
                continue
            }
            if let high = unit(at) {
                at += 6
                var scalar = Unicode.Scalar(high)
                if 0xD800..<0xDC00 ~= high, let low = unit(at), 0xDC00..<0xE000 ~= low {
                    at += 6
                    scalar = Unicode.Scalar(0x10000 + (high - 0xD800) << 10 + (low - 0xDC00))
                }
                result.append(contentsOf: String(scalar ?? "\u{FFFD}").utf8)
                continue
            }
            switch bytes[at + 1] {
            case UInt8(ascii: "b"): result.append(8)
            case UInt8(ascii: "f"): result.append(12)
            case UInt8(ascii: "n"): result.append(10)
            case UInt8(ascii: "r"): result.append(13)
            case UInt8(ascii: "t"): result.append(9)
            case let other: result.append(other)
            }
            at += 2
        }
        guard let text = String(validating: result, as: UTF8.self) else {
            throw JSONError("has a text that is no UTF-8", at: range.lowerBound)
        }
        return text
    }

    private static func hexadecimal(_ byte: UInt8) -> UInt8? {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - 48
        case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - 87
        case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - 55
        default: nil
        }
    }
}

/// A kind of JSON value.
public enum JSONKind: Sendable, Hashable, CustomStringConvertible {
    /// `null`.
    case null
    /// `true` or `false`.
    case bool
    /// A number.
    case number
    /// A string.
    case string
    /// An array.
    case array
    /// An object.
    case object

    /// With an article, for messages.
    public var description: String {
        switch self {
        case .null: "null"
        case .bool: "true or false"
        case .number: "a number"
        case .string: "a string"
        case .array: "an array"
        case .object: "an object"
        }
    }
}

/// The name of an object's member while the object is read.
public struct JSONKey: ~Copyable {
    private let member: MemberName

    init(_ member: MemberName) { self.member = member }

    /// Whether it is a certain name.
    public func matches(_ name: StaticString) -> Bool { member.matches(name) }

    /// The name.
    ///
    /// - Throws: `JSONError` if it is no UTF-8.
    public func name() throws(JSONError) -> String { try member.name() }
}
