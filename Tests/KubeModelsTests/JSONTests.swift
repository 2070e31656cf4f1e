// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Foundation
import KubeModels
import TestSupport
import Testing

struct JSONTests {
    @Test(arguments: [
        "{}", "[]", "null", "true", " false ", "0", "-0", "1.5e-3", "1E+2", "\"\"", "[1,[2,{\"a\":[]}]]",
        "{\"a\":1,\"b\":{\"c\":null}}", "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u0041\"", "\"\\ud83d\\ude00\"", "\"é😀\"",
        "[ 1 , 2 ]",
        "{ \"a\" : [ ] }", "12345678901234567890123.5", "\"\u{7F}\"", "[[],{}]", "\t\r\n{}\n",
    ])
    func readsWhatIsJSON(_ text: String) throws {
        let value = try JSONValue(json: text)
        #expect(try JSONValue(json: value.json()) == value)
        #expect(try RawJSON(text).decoded(as: JSONValue.self) == value)
    }

    @Test(arguments: [
        "", " ", "{", "[", "}", "{]", "[}", "[1,]", "{\"a\":1,}", "[,1]", "[1 2]", "{\"a\" 1}", "{\"a\":}", "{a:1}",
        "{1:2}",
        "nul", "nulll", "True", "01", "-", "+1", ".5", "1.", "1e", "1e+", "0x1", "NaN", "Infinity", "\"", "\"\\",
        "\"\\x\"",
        "\"\\u12\"", "\"\\u12g4\"", "\"\n\"", "'a'", "1 1", "{} {}", "[1]]", "{\"a\":1}}", "// a\n1", "[1,,2]", "{,}",
        "{\"a\":1 \"b\":2}",
        "\u{FEFF}{}", "[\"a\u{1}\"]", "tru", "--1", "[1}", "{\"a\":1]",
    ])
    func refusesWhatIsNot(_ text: String) {
        #expect(throws: JSONError.self, "\(text)") { try JSONValue(json: text) }
        #expect(throws: JSONError.self, "\(text)") { try RawJSON(text) }
        #expect(throws: JSONError.self, "\(text)") { try JSONValue(json: "[[\(text)") }
    }

    @Test func refusesWhatIsNoUTF8() {
        for bytes: [UInt8] in [
            [0x22, 0xFF, 0x22], [0x22, 0xC0, 0x80, 0x22], [0x22, 0xED, 0xA0, 0x80, 0x22], [0x22, 0xE2, 0x82, 0x22],
        ] {
            #expect(throws: JSONError.self) { try JSONValue(json: bytes) }
            #expect(throws: JSONError.self) { try RawJSON(json: bytes) }
            #expect(throws: JSONError.self) { try JSONValue(json: [0x7B] + bytes + Array(":1}".utf8)) }
        }
    }

    /// Strings are passed over several bytes at a time: whatever ends one, is escaped or is refused may be anywhere among them.
    @Test func readsStringsWhateverIsWhereInThem() throws {
        for length in 0...40 {
            for place in 0..<max(length, 1) {
                for (special, meaning) in [
                    ("\\\"", "\""), ("\\\\", "\\"), ("\\u00e9", "é"), ("é", "é"), ("\u{7F}", "\u{7F}"), ("!", "!"),
                    ("#", "#"),
                    ("[", "["), ("]", "]"), (" ", " "), ("😀", "😀"),
                ] {
                    let (before, after) = (
                        String(repeating: "a", count: place), String(repeating: "b", count: length - min(place, length))
                    )
                    let text = "\"\(before)\(special)\(after)\""
                    #expect(try String(json: text) == before + meaning + after)
                    #expect(try [String](json: "[\(text),\(text)]").count == 2)
                }
                var bytes = Array("\"\(String(repeating: "a", count: max(length, 1)))\"".utf8)
                for bad: UInt8 in [0x00, 0x0A, 0x1F, 0xFF, 0x80] {
                    bytes[place + 1] = bad
                    #expect(throws: JSONError.self) { try String(json: bytes) }
                    #expect(throws: JSONError.self) { try RawJSON(json: bytes) }
                }
            }
        }
    }

    /// Members in any order, with unknown ones, twice and as null among them, are read as if they came one by one.
    @Test func readsMembersInAnyOrder() throws {
        var generator = SeededGenerator(seed: 5)
        let members = [
            #""manager":"m""#, #""operation":"o""#, #""apiVersion":"v""#, #""subresource":"s""#, #""fieldsType":"f""#,
            #""fieldsV1":{"a":1}"#, #""x":[1]"#, #""y":{"manager":"no"}"#, #""\u007a":2"#,
        ]
        let expected = try ManagedFieldsEntry(json: "{\(members.joined(separator: ","))}")
        #expect(
            expected.manager == "m" && expected.fieldsV1?.text == #"{"a":1}"#
                && expected.unknownFields.names == ["x", "y", "z"]
        )
        for _ in 0..<300 {
            var shuffled = members.shuffled(using: &generator)
            #expect(try ManagedFieldsEntry(json: "{\(shuffled.joined(separator: ","))}") == expected)
            shuffled.insert(#""m\u0061nager":"before""#, at: 0)
            shuffled.insert(#""operation":null"#, at: Int.random(in: 0...shuffled.count, using: &generator))
            let again = try ManagedFieldsEntry(json: "{\(shuffled.joined(separator: ", "))}")
            #expect(again == expected)
        }
    }

    /// Whole numbers are read as they are, wherever they end.
    @Test(arguments: [
        ("0", 0), ("7", 7), ("-7", -7), ("999999999999999999", 999_999_999_999_999_999), ("9223372036854775807", .max),
        ("-9223372036854775808", .min), ("1234567890123456789", 1_234_567_890_123_456_789),
    ])
    func readsWholeNumbers(_ text: String, _ value: Int) throws {
        #expect(try Int(json: text) == value)
        #expect(try [Int](json: "[\(text),\(text) , \(text)]") == [value, value, value])
        #expect(try [String: Int](json: "{\"a\":\(text)}") == ["a": value])
        for wrong in ["0\(text)", "\(text).0", "\(text)e1", "\(text)x", "9223372036854775808"] {
            #expect(throws: JSONError.self) { try [Int](json: "[\(wrong)]") }
        }
    }

    @Test func boundsItsDepth() throws {
        let deep = String(repeating: "[", count: 256) + String(repeating: "]", count: 256)
        #expect(throws: Never.self) { try JSONValue(json: deep) }
        for opening in ["[", "{\"a\":"] {
            let deeper = String(repeating: opening, count: 100_000)
            #expect(throws: JSONError.self) { try JSONValue(json: deeper) }
            #expect(throws: JSONError.self) { try RawJSON(deeper) }
        }
    }

    @Test func saysWhatIsWrongAndWhere() {
        let text = #"{"metadata":{"name":"a"},"spec":{"containers":[{"name":"b"},{"name":7}]}}"#
        let error = #expect(throws: JSONError.self) { try Pod(json: text) }
        #expect(
            error?.description.hasPrefix("spec.containers.1.name is a number, not a string (byte ") == true,
            "\(error.map(\.description) ?? "")"
        )
        let kind = #expect(throws: JSONError.self) { try Pod(json: #"{"kind":"Node","apiVersion":"v1"}"#) }
        #expect(kind?.description.contains("is 'Node', not 'Pod'") == true)
        #expect(throws: JSONError.self) { try Pod(json: #"{"kind":"Pod","apiVersion":"v2"}"#) }
        #expect(throws: JSONError.self) { try Job(json: #"{"spec":{"parallelism":1.5}}"#) }
        #expect(throws: JSONError.self) { try Job(json: #"{"spec":{"parallelism":99999999999999999999}}"#) }
    }

    @Test func halfASurrogatePairIsReplaced() throws {
        #expect(try String(json: #""a\ud83dz""#) == "a\u{FFFD}z")
        #expect(try String(json: #""\ude00\ud83d\ude00""#) == "\u{FFFD}😀")
        #expect(try String(json: #""\u0000""#) == "\u{0}")
        #expect("a\u{0}\u{1F}\"\\\n".jsonText == #""a\u0000\u001f\"\\\n""#)
    }

    @Test func theLastOfTwoMembersCounts() throws {
        #expect(try Pod(json: #"{"metadata":{"name":"a","name":"b"},"x":1,"x":2}"#).metadata.name == "b")
        #expect(try Pod(json: #"{"x":1,"x":2}"#).unknownFields["x"]?.text == "2")
        #expect(try Pod(json: #"{"metadata":{"n\u0061me":"a"}}"#).metadata.name == "a")
    }

    /// What Foundation refuses is refused, and what is read can be written and read again.
    @Test func survivesAnything() throws {
        struct Anything: Decodable { init(from decoder: any Decoder) {} }
        let examples = [SamplePod.json, #"[null,true,-1.5e3,"\u00e9\n",{"a":{"b":[]}}]"#, #"{"é":"😀","":[[[[]]]]}"#]
        var mutator = Mutator(
            seed: 5,
            fragments: [
                "{", "}", "[", "]", ",", ":", "\"", "\\", "null", "1e9", "-", "\\u12", "\u{0}", "é", "0", "\\\"", " ",
                "\n",
            ]
        )
        var budget = FuzzBudget(3000)
        while budget.goesOn() {
            let bytes = mutator.variant(of: examples)
            guard let value = try? JSONValue(json: bytes) else {
                #expect((try? RawJSON(json: bytes)) == nil || bytes.contains(UInt8(ascii: "\\")))
                continue
            }
            #expect(try JSONValue(json: value.json()) == value)
            #expect((try? RawJSON(json: bytes)) != nil)
            if !String(decoding: bytes, as: UTF8.self).contains("\\") {
                #expect(
                    (try? JSONDecoder().decode(Anything.self, from: Data(bytes))) != nil,
                    "\(String(decoding: bytes, as: UTF8.self))"
                )
            }
            if let pod = try? Pod(json: bytes) { #expect(try Pod(json: pod.json()) == pod) }
        }
    }
}
