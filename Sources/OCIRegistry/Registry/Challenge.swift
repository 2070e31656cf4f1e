// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

/// One challenge of a `WWW-Authenticate` header (RFC 9110): how the server wants to be convinced.
struct Challenge: Sendable, Hashable {
    /// The scheme in lower case: `basic`, `bearer`.
    let scheme: String
    /// The parameters, names in lower case.
    let parameters: [String: String]

    /// Reads the challenges of all `WWW-Authenticate` headers of an answer. One header may have several, and what
    /// cannot be read is skipped.
    static func parse(_ headers: [String]) -> [Challenge] {
        headers.flatMap { header in
            var scanner = ChallengeScanner(text: Array(header.utf8))
            return scanner.challenges()
        }
    }
}

/// Reads `scheme param=value, param="quoted", scheme2 ...` from left to right.
private struct ChallengeScanner {
    let text: [UInt8]
    var position = 0

    init(text: [UInt8]) { self.text = text }

    mutating func challenges() -> [Challenge] {
        var found: [Challenge] = []
        var scheme: String?
        var parameters: [String: String] = [:]
        func finish() {
            if let scheme { found.append(Challenge(scheme: scheme, parameters: parameters)) }
        }
        while skipSeparators() {
            guard let word = token() else {
                position += 1
                continue
            }
            let afterWord = position
            skipSpaces()
            if peek == UInt8(ascii: "=") {
                // `name=value`; but a lone base 64 word may end in `=` as well, and then no value follows.
                position += 1
                skipSpaces()
                if let value = peek == UInt8(ascii: "\"") ? quoted() : unquoted() {
                    parameters[word.lowercased()] = value
                }
            } else {
                position = afterWord
                finish()
                scheme = word.lowercased()
                parameters = [:]
            }
        }
        finish()
        return found
    }

    private var peek: UInt8? { position < text.count ? text[position] : nil }

    private mutating func skipSpaces() {
        while let byte = peek, byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\t") { position += 1 }
    }

    /// False at the end.
    private mutating func skipSeparators() -> Bool {
        while let byte = peek, byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\t") || byte == UInt8(ascii: ",") {
            position += 1
        }
        return peek != nil
    }

    private mutating func token() -> String? {
        take { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"):
                true
            default:
                "!#$%&'*+-.^_`|~".utf8.contains(byte)
            }
        }
    }

    /// A value without quotes ends at a comma or a space; scopes and URLs are seen unquoted.
    private mutating func unquoted() -> String? {
        take { $0 != UInt8(ascii: ",") && $0 != UInt8(ascii: " ") && $0 != UInt8(ascii: "\t") }
    }

    private mutating func take(while matches: (UInt8) -> Bool) -> String? {
        let start = position
        while let byte = peek, matches(byte) { position += 1 }
        return start == position ? nil : String(decoding: text[start..<position], as: UTF8.self)
    }

    /// A quoted string that is not closed ends with the header.
    private mutating func quoted() -> String? {
        position += 1
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
}
