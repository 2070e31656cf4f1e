// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

extension LabelQuery {
    /// Reads a text: requirements with commas between them. Each is `key`, `!key`, `key=value` (or `==`), `key!=value`,
    /// `key in (a,b)`, `key notin (a,b)`, `key>1` or `key<1`. An empty text selects everything.
    ///
    /// - Throws: `LabelError` that says what is wrong.
    public init(parsing text: String) throws(LabelError) {
        var parser = Parser(text)
        requirements = try parser.requirements()
    }

    private enum Token: Hashable {
        /// `=`, `==`, `!=`, `!`, `>`, `<`, `(`, `)` or `,`.
        case sign(String)
        case word(String)
        case end

        var text: String {
            switch self {
            case .sign(let text), .word(let text): "'\(text.prefix(80))'"
            case .end: "the end"
            }
        }
    }

    private struct Parser {
        /// A line end of two bytes is one character.
        private static let spaces: Set<Character> = [" ", "\t", "\r", "\n", "\r\n"]

        private var rest: Substring
        private var next = Token.end

        init(_ text: String) {
            rest = text[...]
            next = scan()
        }

        private mutating func scan() -> Token {
            rest = rest.drop { Self.spaces.contains($0) }
            if rest.isEmpty { return .end }
            for sign in ["==", "!=", "=", "!", ">", "<", "(", ")", ","] where rest.hasPrefix(sign) {
                rest = rest.dropFirst(sign.count)
                return .sign(sign)
            }
            let word = rest.prefix { !Self.spaces.contains($0) && !"=!><(),".contains($0) }
            rest = rest.dropFirst(word.count)
            return .word(String(word))
        }

        private mutating func take() -> Token {
            defer { next = scan() }
            return next
        }

        mutating func requirements() throws(LabelError) -> [LabelRequirement] {
            var requirements: [LabelRequirement] = []
            if next == .end { return [] }
            while true {
                requirements.append(try requirement())
                switch take() {
                case .end: return requirements
                case .sign(","):
                    if case .word = next { continue }
                    if next == .sign("!") { continue }
                    throw LabelError("\(next.text) follows ',' where a label should")
                case let other: throw LabelError("\(other.text) is where ',' or the end should be")
                }
            }
        }

        private mutating func requirement() throws(LabelError) -> LabelRequirement {
            let isNegated = next == .sign("!")
            if isNegated { _ = take() }
            let token = take()
            guard case .word(let key) = token else { throw LabelError("\(token.text) is where a label should be") }
            if isNegated { return try LabelRequirement(key, .doesNotExist) }
            switch next {
            case .end, .sign(","): return try LabelRequirement(key, .exists)
            case .sign("="), .sign("=="):
                _ = take()
                return try LabelRequirement(key, .equals(try value()))
            case .sign("!="):
                _ = take()
                return try LabelRequirement(key, .notEquals(try value()))
            case .word("in"):
                _ = take()
                return try LabelRequirement(key, .among(try values()))
            case .word("notin"):
                _ = take()
                return try LabelRequirement(key, .notAmong(try values()))
            case .sign(">"):
                _ = take()
                return try LabelRequirement(key, .greater(try number()))
            case .sign("<"):
                _ = take()
                return try LabelRequirement(key, .less(try number()))
            case let other: throw LabelError("\(other.text) follows '\(key.prefix(80))' where an operator should")
            }
        }

        /// A single value, which may be empty.
        private mutating func value() throws(LabelError) -> String {
            switch next {
            case .end, .sign(","): return ""
            case .word(let value):
                _ = take()
                return value
            case let other: throw LabelError("\(other.text) is where a value should be")
            }
        }

        private mutating func number() throws(LabelError) -> Int {
            let token = take()
            guard case .word(let text) = token, let value = Int(text) else {
                throw LabelError("\(token.text) is where a whole number should be")
            }
            return value
        }

        /// Values in parentheses. Between two commas, or a comma and a parenthesis, is an empty one.
        private mutating func values() throws(LabelError) -> Set<String> {
            let open = take()
            guard open == .sign("(") else { throw LabelError("\(open.text) is where '(' should be") }
            var values: Set<String> = []
            if next == .sign(")") {
                _ = take()
                return values
            }
            while true {
                if case .word(let value) = next {
                    _ = take()
                    values.insert(value)
                } else {
                    values.insert("")
                }
                switch take() {
                case .sign(")"): return values
                case .sign(","): continue
                case let other: throw LabelError("\(other.text) is where ',' or ')' should be")
                }
            }
        }
    }
}
