// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import Server

@Suite struct TOMLParserTests {
    @Test(
        arguments: [
            ("", [:]), ("# only a comment", [:]), ("\u{FEFF}a = 1", ["a": .integer(1)]),
            ("a = 1\r\nb = 'x' # c\n", ["a": .integer(1), "b": .string("x")]),
            ("a.b.c = true\na.d = false", ["a": .table(["b": .table(["c": .bool(true)]), "d": .bool(false)])]),
            ("\"a.b\" . 'c' = 1", ["a.b": .table(["c": .integer(1)])]), ("1-_ = 1", ["1-_": .integer(1)]),
            ("\"\" = 1", ["": .integer(1)]),
            ("[a.b]\nx = 1\n[a]\ny = 2", ["a": .table(["b": .table(["x": .integer(1)]), "y": .integer(2)])]),
            ("[ a . \"b\" ]", ["a": .table(["b": .table([:])])]),
            (
                "[[a]]\nx = 1\n[a.b]\n[[a]]",
                ["a": .array([.table(["x": .integer(1), "b": .table([:])]), .table([:])])]
            ),
            ("[a]\nb.c = 1\n[a.b.d]", ["a": .table(["b": .table(["c": .integer(1), "d": .table([:])])])]),
            ("a = [ 1, # one\n 2,\n]", ["a": .array([.integer(1), .integer(2)])]),
            ("a = [[], [\n'x']]", ["a": .array([.array([]), .array([.string("x")])])]),
            (
                "a = { b.c = 1, d = [ {} ] }",
                ["a": .table(["b": .table(["c": .integer(1)]), "d": .array([.table([:])])])]
            ),
        ] as [(String, [String: ConfigurationValue])]
    )
    func reads(text: String, tables: [String: ConfigurationValue]) throws {
        #expect(try TOMLParser.parse(text) == tables)
    }

    @Test(arguments: [
        (#""a\"\\\b\t\n\f\r""#, "a\"\\\u{8}\t\n\u{c}\r"), (#""\u00e9\U0001F600""#, "é😀"), (#"'\n'"#, "\\n"), ("''", ""),
        ("\"\"\"\na\\\n   b\n\"\"\"", "ab\n"), ("\"\"\"a\\   \n\n  b\"\"\"", "ab"), ("\"\"\"\"a\"\"\"\"\"", "\"a\"\""),
        ("'''\r\na\r\n'b''''", "a\n'b'"), ("\"\"\"\"\"\"", ""), ("\"\té\"", "\té"),
    ])
    func readsStrings(text: String, string: String) throws {
        #expect(try TOMLParser.parse("a = \(text)") == ["a": .string(string)])
    }

    @Test(arguments: [
        ("0", ConfigurationValue.integer(0)), ("+17", .integer(17)), ("-0", .integer(0)), ("1_000", .integer(1000)),
        ("9223372036854775807", .integer(.max)), ("-9223372036854775808", .integer(.min)),
        ("0xDEAD_beef", .integer(0xDEAD_BEEF)),
        ("0o755", .integer(0o755)), ("0b1101", .integer(13)), ("1.5", .double(1.5)), ("-0.01", .double(-0.01)),
        ("5e+22", .double(5e22)), ("1E06", .double(1e6)), ("6.626e-34", .double(6.626e-34)),
        ("inf", .double(.infinity)),
        ("-inf", .double(-.infinity)), ("9_224_617.445_991", .double(9_224_617.445_991)),
        ("1979-05-27T07:32:00Z", .date),
        ("1979-05-27 00:32:00.999999-07:00", .date), ("1979-05-27t07:32:00", .date), ("2024-02-29", .date),
        ("07:32:00.5", .date),
    ])
    func readsValues(text: String, value: ConfigurationValue) throws {
        #expect(try TOMLParser.parse("a = \(text) # end") == ["a": value])
    }

    @Test(arguments: [
        "[=]", "[", "[ \n]", "[]", "[[a]", "[[a] ]", "[ [a]]", "[[.x]]", "[a] b = 1", "[a", "[\u{FEFF}a]", "[é]", "a",
        "a =", "= 1",
        "a = 1 b = 2", "a. = 1", ".a = 1", "a..b = 1", "é = 1", "a = b", "a = True", "a = 1 2", "a = \"x", "a = 'x\ny'",
        "a = \"\\x\"",
        "a = \"\\ud800\"", "a = \"\\U00110000\"", "a = \"\\u12\"", "a = \"\u{1}\"", "a = \"\"\"x\"\"", "a = '''",
        "# \u{7}", "a = 1\rb = 2",
        "a = [1 2]", "a = [,]", "a = [1,,2]", "a = [", "a = {b = 1", "a = {b = 1,}", "a = {b = 1\n}",
        "a = {b = 1, b = 2}", "a = {,}",
        "a = 01", "a = +0x1", "a = 0x", "a = 1_", "a = _1", "a = 1__0", "a = 1.", "a = .5", "a = 1.e1", "a = 1e",
        "a = 00.5",
        "a = 9223372036854775808", "a = 0xFFFFFFFFFFFFFFFF", "a = 1979-13-01", "a = 2023-02-29", "a = 25:00:00",
        "a = 07:32",
        "a = 07:x", "a = 1979-05-27T", "a = 1979-05-27T07:32:00+25:00", "a = 1\na = 2", "a.b = 1\na = 2",
        "a = 1\na.b = 2",
        "[a]\n[a]", "[a.b]\n[a]\nb.c = 1", "a.b = 1\n[a]", "[a]\nb.c = 1\n[a.b]", "a = []\n[[a]]", "[a]\n[[a]]",
        "[[a]]\n[a]",
        "a = {}\n[a.b]", "a = {}\na.b = 1", "a = [{}]\n[a.b]", "\0", "a = 1\0",
    ])
    func refuses(text: String) {
        #expect(throws: TOMLParser.Failure.self) { try TOMLParser.parse(text) }
    }

    @Test func tellsThePlace() {
        let failure = #expect(throws: TOMLParser.Failure.self) { try TOMLParser.parse("a = 1\n[b]\nc = 'é' x") }
        #expect(failure.map { [$0.line, $0.column] } == [3, 10])
    }

    @Test func depthIsBounded() throws {
        let deepest = TOMLParser.maximumDepth
        func nested(_ open: String, _ close: String, _ count: Int) -> String {
            String(repeating: open, count: count) + String(repeating: close, count: count)
        }
        _ = try TOMLParser.parse("a = " + nested("[", "]", deepest - 2))
        for count in [deepest + 1, 200_000] {
            #expect(throws: TOMLParser.Failure.self) { try TOMLParser.parse("a = " + nested("[", "]", count)) }
            #expect(throws: TOMLParser.Failure.self) { try TOMLParser.parse("a = " + nested("{b = ", "}", count)) }
            #expect(throws: TOMLParser.Failure.self) {
                try TOMLParser.parse(String(repeating: "a.", count: count) + "a = 1")
            }
            #expect(throws: TOMLParser.Failure.self) {
                try TOMLParser.parse("[" + String(repeating: "a.", count: count) + "a]")
            }
        }
    }
}
