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
