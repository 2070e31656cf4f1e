// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

/// The four kinds of strings.
extension TOMLParser {
    /// A string as a value, of one line or of several.
    mutating func string() throws(Failure) -> String {
        if take("\"\"\"") { return try longString(quote: UInt8(ascii: "\""), escapes: true) }
        if take("'''") { return try longString(quote: UInt8(ascii: "'"), escapes: false) }
        return peek() == UInt8(ascii: "'") ? try literalString() : try basicString()
    }

    /// `"…"`.
    mutating func basicString() throws(Failure) -> String {
        var content: [UInt8] = []
        at += 1
        while let byte = peek() {
            at += 1
            switch byte {
            case UInt8(ascii: "\""): return String(decoding: content, as: UTF8.self)
            case UInt8(ascii: "\\"): try escape(into: &content)
            default:
                guard !Self.isControl(byte) else { throw failure("a string has a control character") }
                content.append(byte)
            }
        }
        throw failure("a string is not closed")
    }

    /// `'…'`.
    mutating func literalString() throws(Failure) -> String {
        at += 1
        let start = at
        while let byte = peek() {
            if byte == UInt8(ascii: "'") {
                let content = text(from: start)
                at += 1
                return content
            }
            guard !Self.isControl(byte) else { throw failure("a string has a control character") }
            at += 1
        }
        throw failure("a string is not closed")
    }

    /// A string of several lines whose opening quotes were read.
    private mutating func longString(quote: UInt8, escapes: Bool) throws(Failure) -> String {
        var content: [UInt8] = []
        _ = takeNewline()
        while let byte = peek() {
            if byte == quote, peek(1) == quote, peek(2) == quote {
                at += 3
                // Up to two quotes may stand before the closing ones.
                for _ in 0..<2 where peek() == quote {
                    content.append(quote)
                    at += 1
                }
                return String(decoding: content, as: UTF8.self)
            }
            if takeNewline() {
                content.append(UInt8(ascii: "\n"))
                continue
            }
            at += 1
            if byte == UInt8(ascii: "\\"), escapes {
                if try !takeContinuation() { try escape(into: &content) }
            } else {
                guard !Self.isControl(byte) else { throw failure("a string has a control character") }
                content.append(byte)
            }
        }
        throw failure("a string is not closed")
    }

    /// A backslash at the end of a line leaves out that end and all blanks and lines after it.
    private mutating func takeContinuation() throws(Failure) -> Bool {
        let start = at
        skipBlanks()
        guard takeNewline() else {
            at = start
            return false
        }
        repeat { skipBlanks() } while takeNewline()
        return true
    }

    /// What follows a backslash.
    private mutating func escape(into content: inout [UInt8]) throws(Failure) {
        guard let byte = peek() else { throw failure("a string is not closed") }
        at += 1
        switch byte {
        case UInt8(ascii: "b"): content.append(0x08)
        case UInt8(ascii: "t"): content.append(0x09)
        case UInt8(ascii: "n"): content.append(0x0A)
        case UInt8(ascii: "f"): content.append(0x0C)
        case UInt8(ascii: "r"): content.append(0x0D)
        case UInt8(ascii: "\""), UInt8(ascii: "\\"): content.append(byte)
        case UInt8(ascii: "u"): try scalar(digits: 4, into: &content)
        case UInt8(ascii: "U"): try scalar(digits: 8, into: &content)
        default: throw failure("there is no such escape", at: at - 1)
        }
    }

    private mutating func scalar(digits: Int, into content: inout [UInt8]) throws(Failure) {
        var value: UInt32 = 0
        for _ in 0..<digits {
            guard let byte = peek(), let digit = Character(UnicodeScalar(byte)).hexDigitValue else {
                throw failure("an escape needs \(digits) hexadecimal digits")
            }
            value = value << 4 | UInt32(digit)
            at += 1
        }
        guard let scalar = Unicode.Scalar(value) else { throw failure("an escape names no character") }
        content.append(contentsOf: Array(String(Character(scalar)).utf8))
    }
}
