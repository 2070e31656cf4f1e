// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import KubeModels
import Testing

/// Types say what JSON they read and write.
struct JSONShapeTests {
    private struct Colour: JSONWord {
        var rawValue: String
        init(rawValue: String) { self.rawValue = rawValue }
        static let known = [Colour(rawValue: "Red"), Colour(rawValue: "Blue")]
    }

    private struct Sample: KubeResource {
        static let resourceType = ResourceType(group: "g", version: "v1", kind: "Sample", plural: "samples")
        var metadata = ObjectMeta()
        var name = ""
        var count: Int?
        var isOn = false
        var colour: Colour?
        var at: Timestamp?
        var port: IntOrString = 1
        var list: [LocalObjectReference] = []
        var map: [String: Bool] = [:]
        var raw: RawJSON?
        var unknownFields = UnknownFields()

        mutating func visit(_ fields: inout FieldVisitor) throws(JSONError) {
            try fields.nonEmpty("name", &name)
            try fields.field("count", &count)
            try fields.field("isOn", &isOn)
            try fields.field("colour", &colour)
            try fields.field("at", &at)
            try fields.field("port", &port)
            try fields.field("list", &list)
            try fields.field("map", &map)
            try fields.field("raw", &raw)
        }
    }

    @Test func everyFieldHasOne() {
        #expect(
            Sample.jsonShape
                == .object([
                    "apiVersion": .string, "kind": .string, "name": .string, "count": .integer, "isOn": .boolean,
                    "colour": .word(["Red", "Blue"]), "at": .time, "port": .integerOrString,
                    "list": .array(.object(["name": .string])), "map": .map(.boolean), "raw": .any,
                ])
        )
    }

    @Test func aWordThatIsNotKnownSurvives() throws {
        let sample = try Sample(json: #"{"colour":"Green"}"#)
        #expect(sample.colour == Colour(rawValue: "Green") && sample.jsonText.contains(#""colour":"Green""#))
        #expect(throws: JSONError.self) { try Sample(json: #"{"colour":1}"#) }
    }

    @Test func aTimeIsWrittenAsItWasSpelled() throws {
        for text in ["2026-11-21T00:40:42.936841+00:00", "2026-11-21T00:40:42Z", "2026-11-21T01:40:42.1+01:00"] {
            let time = try #require(SpelledTime(text))
            #expect(time.jsonText == "\"\(text)\"" && time.date == MicroTime(text)?.date)
        }
        #expect(SpelledTime("2026-11-21") == nil && SpelledTime("") == nil)
        #expect(SpelledTime(MicroTime(microseconds: 1_500_000).date).text == "1970-01-01T00:00:01.500000Z")
    }
}
