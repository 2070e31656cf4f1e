// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

/// Reads TOML 1.0. Whatever the text is, the answer is a value or a failure with its place; memory and depth are bounded by
/// the text's length and ``maximumDepth``.
struct TOMLParser {
    /// How deep tables and lists may be nested.
    static let maximumDepth = 64

    /// What is wrong with a text, and where.
    struct Failure: Error, Equatable {
        /// Counted from 1.
        var line: Int
        /// Bytes from the line's beginning, counted from 1.
        var column: Int
        /// A sentence's end.
        var reason: String
    }

    private let bytes: [UInt8]
    /// Where the next byte is.
    var at = 0

    private init(_ text: String) {
        bytes = Array(text.utf8)
    }

    /// Reads a whole text.
    static func parse(_ text: String) throws(Failure) -> [String: ConfigurationValue] {
        var parser = TOMLParser(text)
        return try parser.document().value
    }

    private mutating func document() throws(Failure) -> TOMLTable {
        let root = TOMLTable(.header)
        var current = root
        if starts(with: "\u{FEFF}") { at += 3 }
        while true {
            skipBlanks()
            guard let byte = peek() else { return root }
            switch byte {
            case UInt8(ascii: "\n"), UInt8(ascii: "\r"), UInt8(ascii: "#"): break
            case UInt8(ascii: "["): current = try header(in: root)
            default: try pair(into: current, depth: 1)
            }
            skipBlanks()
            try endOfLine()
        }
    }

    /// `[a.b]` or `[[a.b]]`.
    private mutating func header(in root: TOMLTable) throws(Failure) -> TOMLTable {
        let start = at
        at += 1
        let isElement = take("[")
        let path = try key()
        guard take("]"), !isElement || take("]") else { throw failure("the table's name does not end with a bracket") }
        guard let table = isElement ? root.addElement(at: path) : root.addTable(at: path) else {
            throw failure("'\(path.joined(separator: "."))' was defined before", at: start)
        }
        return table
    }

    /// `a.b = value`.
    mutating func pair(into table: TOMLTable, depth: Int) throws(Failure) {
        let start = at
        let path = try key()
        guard take("=") else { throw failure("a key is followed by '='") }
        skipBlanks()
        let value = try value(depth: depth + path.count)
        guard table.set(path, to: value) else {
            throw failure("'\(path.joined(separator: "."))' was defined before", at: start)
        }
    }

    /// The parts of a key that may have dots, with the blanks around it.
    private mutating func key() throws(Failure) -> [String] {
        var parts: [String] = []
        repeat {
            skipBlanks()
            switch peek() {
            case UInt8(ascii: "\"")?: parts.append(try basicString())
            case UInt8(ascii: "'")?: parts.append(try literalString())
            default:
                let start = at
                while let byte = peek(), Self.isBareKey(byte) { at += 1 }
                guard at > start else { throw failure("a key is missing") }
                parts.append(text(from: start))
            }
            guard parts.count <= Self.maximumDepth else { throw failure("this is nested too deep") }
            skipBlanks()
        } while take(".")
        return parts
    }

    private static func isBareKey(_ byte: UInt8) -> Bool {
        isLetter(byte) || isDigit(byte) || byte == UInt8(ascii: "_") || byte == UInt8(ascii: "-")
    }

    static func isLetter(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20)
    }

    static func isDigit(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
    }

    // MARK: - Bytes

    /// The next byte, or one behind it; nil at the end.
    func peek(_ distance: Int = 0) -> UInt8? {
        at + distance < bytes.count ? bytes[at + distance] : nil
    }

    func starts(with text: String) -> Bool {
        bytes[at...].starts(with: text.utf8)
    }

    /// Goes behind a text if it is next.
    mutating func take(_ text: String) -> Bool {
        guard starts(with: text) else { return false }
        at += text.utf8.count
        return true
    }

    /// What was read since a place; places are between characters.
    func text(from start: Int) -> String {
        String(decoding: bytes[start..<at], as: UTF8.self)
    }

    mutating func skipBlanks() {
        while let byte = peek(), byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\t") { at += 1 }
    }

    /// Goes behind blanks, comments and ends of lines.
    mutating func skipLines() throws(Failure) {
        while true {
            skipBlanks()
            guard let byte = peek(), [UInt8(ascii: "#"), UInt8(ascii: "\n"), UInt8(ascii: "\r")].contains(byte) else {
                return
            }
            try endOfLine()
        }
    }

    /// Goes behind a comment, if there is one, and the end of the line or the text.
    private mutating func endOfLine() throws(Failure) {
        if peek() == UInt8(ascii: "#") {
            while let byte = peek(), byte != UInt8(ascii: "\n"), !starts(with: "\r\n") {
                guard !Self.isControl(byte) else { throw failure("a comment has a control character") }
                at += 1
            }
        }
        guard at == bytes.count || takeNewline() else { throw failure("the line should end here") }
    }

    mutating func takeNewline() -> Bool {
        take("\n") || take("\r\n")
    }

    /// Whether a byte may be nowhere in a string or a comment; ends of lines are told apart before.
    static func isControl(_ byte: UInt8) -> Bool {
        (byte < 0x20 && byte != UInt8(ascii: "\t")) || byte == 0x7F
    }

    func failure(_ reason: String, at place: Int? = nil) -> Failure {
        let before = bytes[..<min(place ?? at, bytes.count)]
        let lineStart = before.lastIndex(of: UInt8(ascii: "\n")).map { $0 + 1 } ?? 0
        return Failure(
            line: before.count { $0 == UInt8(ascii: "\n") } + 1,
            column: before.count - lineStart + 1,
            reason: reason
        )
    }
}
