// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

/// Values.
extension TOMLParser {
    /// The value that is next.
    mutating func value(depth: Int) throws(Failure) -> ConfigurationValue {
        guard depth <= Self.maximumDepth else { throw failure("this is nested too deep") }
        switch peek() {
        case UInt8(ascii: "\"")?, UInt8(ascii: "'")?: return .string(try string())
        case UInt8(ascii: "[")?: return try array(depth: depth)
        case UInt8(ascii: "{")?: return try inlineTable(depth: depth)
        default: return try word()
        }
    }

    private mutating func array(depth: Int) throws(Failure) -> ConfigurationValue {
        var elements: [ConfigurationValue] = []
        at += 1
        while true {
            try skipLines()
            if take("]") { return .array(elements) }
            elements.append(try value(depth: depth + 1))
            try skipLines()
            if take("]") { return .array(elements) }
            guard take(",") else { throw failure("a list goes on with ',' or ends with ']'") }
        }
    }

    private mutating func inlineTable(depth: Int) throws(Failure) -> ConfigurationValue {
        let table = TOMLTable(.header)
        at += 1
        skipBlanks()
        if take("}") { return .table([:]) }
        while true {
            try pair(into: table, depth: depth + 1)
            skipBlanks()
            if take("}") { return .table(table.value) }
            guard take(",") else { throw failure("a table goes on with ',' or ends with '}'") }
        }
    }

    /// A boolean, a number, or a date.
    private mutating func word() throws(Failure) -> ConfigurationValue {
        let start = at
        func isPart(_ byte: UInt8) -> Bool {
            Self.isLetter(byte) || Self.isDigit(byte) || "+-_.:".utf8.contains(byte)
        }
        while let byte = peek(), isPart(byte) { at += 1 }
        // A blank may stand between a date and a time.
        if at - start == 10, peek() == UInt8(ascii: " "), let next = peek(1), Self.isDigit(next),
            TOMLDate.isDate(text(from: start))
        {
            at += 1
            while let byte = peek(), isPart(byte) { at += 1 }
        }
        let word = text(from: start)
        switch word {
        case "true": return .bool(true)
        case "false": return .bool(false)
        case "": throw failure("a value is missing", at: start)
        default: break
        }
        if TOMLDate.isAny(word) { return .date }
        guard let number = TOMLNumber.value(of: word) else {
            throw failure("'\(word)' is no value: a string needs quotes", at: start)
        }
        return number
    }
}

/// Numbers as TOML writes them.
enum TOMLNumber {
    /// The value of a number's text; nil if it is none, or no integer of 64 bits.
    static func value(of text: String) -> ConfigurationValue? {
        for (prefix, radix) in [("0x", 16), ("0o", 8), ("0b", 2)] where text.hasPrefix(prefix) {
            guard let digits = digits(text.dropFirst(2), radix: radix) else { return nil }
            return Int(digits, radix: radix).map { .integer($0) }
        }
        let sign = text.first.flatMap { "+-".contains($0) ? $0 : nil }
        let magnitude = text.dropFirst(sign == nil ? 0 : 1)
        let factor: Double = sign == "-" ? -1 : 1
        if magnitude == "inf" { return .double(factor * .infinity) }
        if magnitude == "nan" { return .double(.nan) }
        if let digits = digits(magnitude, radix: 10) {
            guard digits.count == 1 || !digits.hasPrefix("0") else { return nil }
            return Int((sign.map(String.init) ?? "") + digits).map { .integer($0) }
        }
        return fraction(magnitude).map { .double(factor * $0) }
    }

    /// `1.5`, `1e6`, `1.5e-6`, each part of digits.
    private static func fraction(_ text: Substring) -> Double? {
        let halves = text.split(maxSplits: 1, omittingEmptySubsequences: false) { $0 == "e" || $0 == "E" }
        guard let mantissa = halves.first else { return nil }
        let parts = mantissa.split(separator: ".", maxSplits: 1, omittingEmptySubsequences: false)
        guard let whole = parts.first.flatMap({ digits($0, radix: 10) }), whole.count == 1 || !whole.hasPrefix("0"),
            parts.count + halves.count > 2
        else { return nil }
        var plain = whole
        if parts.count > 1 {
            guard let rest = digits(parts[1], radix: 10) else { return nil }
            plain += ".\(rest)"
        }
        if halves.count > 1 {
            let sign = halves[1].first.flatMap { "+-".contains($0) ? $0 : nil }
            guard let exponent = digits(halves[1].dropFirst(sign == nil ? 0 : 1), radix: 10) else { return nil }
            plain += "e\(sign.map(String.init) ?? "")\(exponent)"
        }
        return Double(plain)
    }

    /// Digits without the underscores between them; nil if there are others, or none.
    private static func digits(_ text: Substring, radix: Int) -> String? {
        let groups = text.split(separator: "_", omittingEmptySubsequences: false)
        let areDigits = groups.allSatisfy { group in
            !group.isEmpty
                && group.utf8.allSatisfy { byte in
                    Character(UnicodeScalar(byte)).hexDigitValue.map { $0 < radix } ?? false
                }
        }
        return areDigits ? groups.joined() : nil
    }
}

/// Dates and times as TOML writes them. Nothing here takes one, so only their form is read.
enum TOMLDate {
    /// Whether a text is a date, a time, or both.
    static func isAny(_ text: String) -> Bool {
        if isDate(text) || isTime(text[...]) { return true }
        guard text.utf8.count > 11, isDate(String(text.prefix(10))),
            ["T", "t", " "].contains(text.dropFirst(10).first)
        else { return false }
        let rest = text.dropFirst(11)
        if rest.hasSuffix("Z") || rest.hasSuffix("z") { return isTime(rest.dropLast()) }
        guard let sign = rest.lastIndex(where: { "+-".contains($0) }) else { return isTime(rest) }
        let offset = rest[rest.index(after: sign)...].split(separator: ":", omittingEmptySubsequences: false)
        return isTime(rest[..<sign]) && offset.count == 2 && isNumber(offset[0], 2, in: 0...23)
            && isNumber(offset[1], 2, in: 0...59)
    }

    /// Whether a text is `yyyy-mm-dd`.
    static func isDate(_ text: String) -> Bool {
        let parts = text.split(separator: "-", omittingEmptySubsequences: false)
        guard parts.count == 3, isNumber(parts[0], 4, in: 0...9999), isNumber(parts[1], 2, in: 1...12),
            let year = Int(parts[0]), let month = Int(parts[1])
        else { return false }
        let isLeap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
        let days = [31, isLeap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31][month - 1]
        return isNumber(parts[2], 2, in: 1...days)
    }

    private static func isTime(_ text: Substring) -> Bool {
        let halves = text.split(separator: ".", maxSplits: 1, omittingEmptySubsequences: false)
        guard let whole = halves.first else { return false }
        let parts = whole.split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count == 3, isNumber(parts[0], 2, in: 0...23), isNumber(parts[1], 2, in: 0...59),
            isNumber(parts[2], 2, in: 0...60)
        else { return false }
        return halves.count == 1 || (!halves[1].isEmpty && halves[1].utf8.allSatisfy(TOMLParser.isDigit))
    }

    private static func isNumber(_ text: Substring, _ length: Int, in bounds: ClosedRange<Int>) -> Bool {
        text.utf8.count == length && text.utf8.allSatisfy(TOMLParser.isDigit) && Int(text).map(bounds.contains) == true
    }
}
