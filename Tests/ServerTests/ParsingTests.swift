// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import Server

@Suite struct JSONParserTests {
    @Test(arguments: [
        ("null", JSONValue.null), ("true", .bool(true)), (" false\n", .bool(false)), ("0", .integer(0)),
        ("-12", .integer(-12)), ("9223372036854775807", .integer(.max)), ("9223372036854775808", .number(0x1p63)),
        ("1.0", .number(1)), ("1e2", .number(100)), ("-0.5E-1", .number(-0.05)), (#""""#, .string("")),
        (#""a\"\\\/\b\f\n\r\t""#, .string("a\"\\/\u{8}\u{c}\n\r\t")), (#""\u00e9\uD83D\uDE00""#, .string("é😀")),
        (#""é😀""#, .string("é😀")), ("[]", .array([])), ("[1, [2]]", .array([.integer(1), .array([.integer(2)])])),
        ("{}", .object([:])), (#"{"a":1,"a":2}"#, .object(["a": .integer(2)])),
        (#"{ "a" : { "b" : [ ] } }"#, .object(["a": .object(["b": .array([])])])),
    ])
    func reads(text: String, value: JSONValue) throws {
        #expect(try JSONParser.parse(text.utf8) == value)
    }

    @Test(arguments: [
        ("", 0), (" ", 1), ("nul", 0), ("tru", 0), ("01", 1), ("-", 0), ("1.", 2), (".5", 0), ("+1", 0), ("1e", 2),
        ("1e999", 0),
        ("NaN", 0), ("[1,]", 3), ("[1 2]", 3), ("[", 1), ("{", 1), (#"{"a"}"#, 4), (#"{"a":1,}"#, 7), ("{1:2}", 1),
        (#"{"a":1 "b":2}"#, 7), (#""abc"#, 0), ("\"a\nb\"", 2), (#""\x""#, 1), (#""\u12G4""#, 1), (#""\u12"#, 1),
        (#""\ud800""#, 1), (#""\ud800\u0041""#, 1), (#""\udc00""#, 1), ("1 2", 2), ("'a'", 0), ("// a\n1", 0),
    ])
    func refuses(text: String, offset: Int) {
        #expect {
            try JSONParser.parse(text.utf8)
        } throws: { error in
            (error as? JSONSyntaxError)?.offset == offset
        }
    }

    @Test func refusesBytesThatAreNoText() {
        #expect(throws: JSONSyntaxError.self) { try JSONParser.parse([0x22, 0xFF, 0x22]) }
        // An overlong encoding of a slash.
        #expect(throws: JSONSyntaxError.self) { try JSONParser.parse([0x22, 0xC0, 0xAF, 0x22]) }
    }

    @Test func depthIsBounded() throws {
        let deepest = JSONParser.maximumDepth
        func nested(_ depth: Int) -> String {
            String(repeating: "[", count: depth) + String(repeating: "]", count: depth)
        }
        _ = try JSONParser.parse(nested(deepest).utf8)
        #expect(throws: JSONSyntaxError.self) { try JSONParser.parse(nested(deepest + 1).utf8) }
        #expect(throws: JSONSyntaxError.self) { try JSONParser.parse(nested(500_000).utf8) }
    }
}

@Suite struct QueryParametersTests {
    @Test(arguments: [
        ("", [QueryParameters.Pair]()),
        ("a=1&b=2&a=3", [.init(name: "a", value: "1"), .init(name: "b", value: "2"), .init(name: "a", value: "3")]),
        ("a", [.init(name: "a", value: "")]), ("&&a=1&", [.init(name: "a", value: "1")]),
        ("a=b=c", [.init(name: "a", value: "b=c")]), ("a%3D=%26+%2B", [.init(name: "a=", value: "& +")]),
        ("a=%", [.init(name: "a", value: "%")]), ("a=%4", [.init(name: "a", value: "%4")]),
        ("a=%zz%41", [.init(name: "a", value: "%zzA")]), ("a=%C3%A9", [.init(name: "a", value: "é")]),
        ("a=%FF", [.init(name: "a", value: "\u{FFFD}")]),
    ])
    func reads(query: String, pairs: [QueryParameters.Pair]) {
        #expect(QueryParameters(query: query).pairs == pairs)
    }

    @Test func aPathHasNoPluses() {
        #expect(QueryParameters.percentDecoded("a+b%20c".utf8) == "a+b c")
    }

    @Test(arguments: ["a", "a=1&b", "a=1&", "&a=1", "a=1&&b=2"]) func strictlyEachPartIsAPair(text: String) {
        #expect(throws: QueryParameters.MalformedPair.self) { try QueryParameters(strict: text) }
    }
}

@Suite struct LabelRulesTests {
    static let long = String(repeating: "a", count: 63)

    @Test(arguments: [
        "a", "A-b_c.9", "example.org/a", "a.b-c.d/X_1", long, long + "/" + long,
        String(repeating: "a.", count: 126) + "a/k",
    ])
    func takesKeys(key: String) {
        #expect(LabelRules.isKey(key))
    }

    @Test(arguments: [
        "", "-a", "a-", "a b", "ä", "/a", "a/", "a/b/c", "Example.org/a", "a..b/c", "-a.b/c", "a\n", long + "a",
        "x/" + long + "a",
        String(repeating: "a.", count: 127) + "a/k",
    ])
    func refusesKeys(key: String) {
        #expect(!LabelRules.isKey(key))
    }

    @Test func values() {
        for value in ["", "a", "A-b_c.9", Self.long] { #expect(LabelRules.isValue(value)) }
        for value in ["-", "a b", "é", ".a", Self.long + "a"] { #expect(!LabelRules.isValue(value)) }
    }
}
