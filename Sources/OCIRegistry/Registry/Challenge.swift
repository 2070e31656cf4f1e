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
    static func parse(_ headers: [String]) -> [Challenge] { headers.flatMap { parse($0) } }

    /// Reads `scheme param=value, param="quoted", scheme2 ...` from left to right.
    private static func parse(_ header: String) -> [Challenge] {
        var scanner = HeaderScanner(header)
        var found: [Challenge] = []
        var scheme: String?
        var parameters: [String: String] = [:]
        func finish() {
            if let scheme { found.append(Challenge(scheme: scheme, parameters: parameters)) }
        }
        while true {
            scanner.skip { ", \t".utf8.contains($0) }
            guard let next = scanner.peek else { break }
            let word = scanner.text { HeaderScanner.isToken($0) }
            guard !word.isEmpty else {
                _ = scanner.take(next)
                continue
            }
            let afterWord = scanner.position
            scanner.skipSpaces()
            if scanner.take(UInt8(ascii: "=")) {
                // `name=value`; but a lone base 64 word may end in `=` as well, and then no value follows.
                scanner.skipSpaces()
                if let value = scanner.quoted() ?? unquoted(&scanner) { parameters[word.lowercased()] = value }
            } else {
                scanner.rewind(to: afterWord)
                finish()
                scheme = word.lowercased()
                parameters = [:]
            }
        }
        finish()
        return found
    }

    /// A value without quotes ends at a comma or a space; scopes and URLs are seen unquoted.
    private static func unquoted(_ scanner: inout HeaderScanner) -> String? {
        let text = scanner.text { !", \t".utf8.contains($0) }
        return text.isEmpty ? nil : text
    }
}
