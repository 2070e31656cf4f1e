// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

/// One link of a `Link` header (RFC 8288): where to go on.
struct LinkHeader: Sendable, Hashable {
    /// The address as written, relative or absolute.
    let target: String
    /// The parameters, names in lower case; of several with one name the first.
    let parameters: [String: String]

    /// The kinds of relation, in lower case: `next`.
    var relations: [String] { (parameters["rel"] ?? "").lowercased().split(separator: " ").map(String.init) }

    /// The address of the next page, if an answer has one.
    static func next(in headers: [String]) -> String? {
        parse(headers).first { $0.relations.contains("next") }?.target
    }

    /// Reads the links of all `Link` headers of an answer. What cannot be read is skipped.
    static func parse(_ headers: [String]) -> [LinkHeader] {
        headers.flatMap { header in
            var scanner = HeaderScanner(header)
            var links: [LinkHeader] = []
            while let link = link(&scanner) { links.append(link) }
            return links
        }
    }

    /// The next link; `nil` at the end.
    private static func link(_ scanner: inout HeaderScanner) -> LinkHeader? {
        scanner.skip { $0 != UInt8(ascii: "<") }
        guard scanner.take(UInt8(ascii: "<")) else { return nil }
        let target = scanner.text { $0 != UInt8(ascii: ">") }
        guard scanner.take(UInt8(ascii: ">")) else { return nil }
        var parameters: [String: String] = [:]
        scanner.skipSpaces()
        while scanner.take(UInt8(ascii: ";")) {
            scanner.skipSpaces()
            let name = scanner.text { HeaderScanner.isToken($0) }.lowercased()
            scanner.skipSpaces()
            var value = ""
            if scanner.take(UInt8(ascii: "=")) {
                scanner.skipSpaces()
                value = scanner.quoted() ?? scanner.text { !",; \t".utf8.contains($0) }
                scanner.skipSpaces()
            }
            if !name.isEmpty, parameters[name] == nil { parameters[name] = value }
        }
        // Anything else up to the comma is nothing that we know.
        scanner.skip { $0 != UInt8(ascii: ",") }
        return LinkHeader(target: target, parameters: parameters)
    }
}
