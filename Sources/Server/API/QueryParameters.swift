// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

/// The parameters of a query string (`a=1&b=2`), decoded as forms are: `+` is a space, `%XX` is a byte.
struct QueryParameters: Sendable, Equatable {
    /// Names and values in their order.
    var pairs: [Pair]

    struct Pair: Sendable, Equatable {
        var name: String
        var value: String
    }

    /// Reads a URL's query; a name without `=` has an empty value.
    init(query: String) {
        pairs = query.split(separator: "&").map { part in
            let halves = part.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            return Pair(name: Self.decode(halves[0]), value: halves.count > 1 ? Self.decode(halves[1]) : "")
        }
    }

    /// Reads a list of pairs in which every part must have a `=`.
    ///
    /// - Throws: ``MalformedPair``.
    init(strict text: String) throws(MalformedPair) {
        pairs = []
        for part in text.split(separator: "&", omittingEmptySubsequences: false) {
            let halves = part.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard halves.count == 2 else { throw MalformedPair(text: String(part)) }
            pairs.append(Pair(name: Self.decode(halves[0]), value: Self.decode(halves[1])))
        }
    }

    /// A part that is no `name=value`.
    struct MalformedPair: Error, Equatable {
        var text: String
    }

    /// The values of a parameter that may be repeated.
    func all(_ name: String) -> [String] {
        pairs.filter { $0.name == name }.map(\.value)
    }

    /// A parameter that is meant to be given once; of several the last counts.
    func field(_ name: String) -> RequestField {
        RequestField(value: all(name).last.map(JSONValue.string), location: ["query", .name(name)])
    }

    /// Decodes one name or value; bytes that are no UTF-8 are replaced, a `%` without two digits stays.
    static func decode(_ text: Substring) -> String {
        percentDecoded(text.utf8.map { $0 == UInt8(ascii: "+") ? UInt8(ascii: " ") : $0 })
    }

    /// Decodes `%XX` and nothing else, as in a path.
    static func percentDecoded(_ encoded: some Collection<UInt8>) -> String {
        var bytes: [UInt8] = []
        var rest = encoded[...]
        while let byte = rest.popFirst() {
            let digits = rest.prefix(2)
            if byte == UInt8(ascii: "%"), digits.count == 2,
                let high = digits.first.flatMap(Self.hexDigit),
                let low = digits.dropFirst().first.flatMap(Self.hexDigit)
            {
                bytes.append(high << 4 | low)
                rest = rest.dropFirst(2)
            } else {
                bytes.append(byte)
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    private static func hexDigit(_ byte: UInt8) -> UInt8? {
        Character(Unicode.Scalar(byte)).hexDigitValue.map(UInt8.init)
    }
}
