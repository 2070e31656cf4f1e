// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import KubeModels
import TestSupport
import Testing

struct PatchTests {
    /// The examples of RFC 7396, appendix A.
    @Test(arguments: [
        (#"{"a":"b"}"#, #"{"a":"c"}"#, #"{"a":"c"}"#), (#"{"a":"b"}"#, #"{"b":"c"}"#, #"{"a":"b","b":"c"}"#),
        (#"{"a":"b"}"#, #"{"a":null}"#, "{}"), (#"{"a":"b","b":"c"}"#, #"{"a":null}"#, #"{"b":"c"}"#),
        (#"{"a":["b"]}"#, #"{"a":"c"}"#, #"{"a":"c"}"#), (#"{"a":"c"}"#, #"{"a":["b"]}"#, #"{"a":["b"]}"#),
        (#"{"a":{"b":"c"}}"#, #"{"a":{"b":"d","c":null}}"#, #"{"a":{"b":"d"}}"#),
        (#"{"a":[{"b":"c"}]}"#, #"{"a":[1]}"#, #"{"a":[1]}"#), (#"["a","b"]"#, #"["c","d"]"#, #"["c","d"]"#),
        (#"{"a":"b"}"#, #"["c"]"#, #"["c"]"#), (#"{"a":"foo"}"#, "null", "null"),
        (#"{"a":"foo"}"#, #""bar""#, #""bar""#),
        (#"{"e":null}"#, #"{"a":1}"#, #"{"e":null,"a":1}"#), ("[1,2]", #"{"a":"b","c":null}"#, #"{"a":"b"}"#),
        ("{}", #"{"a":{"bb":{"ccc":null}}}"#, #"{"a":{"bb":{}}}"#),
    ])
    func appliesAsTheStandardSays(_ target: String, _ patch: String, _ result: String) throws {
        #expect(try MergePatch(JSONValue(json: patch)).applied(to: JSONValue(json: target)) == JSONValue(json: result))
    }

    /// A patch between two documents makes the one of the other.
    @Test func findsDifferences() throws {
        var generator = SeededGenerator(seed: 6)
        func document(_ depth: Int) -> JSONValue {
            if depth == 0 || generator.happens(0.3) {
                return [.string("x"), .bool(true), .number(JSONNumber(Int.random(in: 0...2, using: &generator))), [1]]
                    .randomElement(using: &generator) ?? .null
            }
            var members: [String: JSONValue] = [:]
            for name in ["a", "b", "c"] where generator.happens(0.6) { members[name] = document(depth - 1) }
            return .object(members)
        }
        for _ in 0..<3000 {
            let (old, new) = (JSONValue.object(["r": document(3)]), JSONValue.object(["r": document(3)]))
            let patch = try MergePatch(from: old, to: new)
            try #require(patch.applied(to: old) == new, "\(old) \(new) \(patch.document)")
            #expect(patch.isEmpty == (old == new))
        }
    }

    @Test func saysOnlyWhatChanges() throws {
        let old = try Pod(json: SamplePod.json)
        var new = old
        new.metadata.annotations["a/b"] = "c"
        new.metadata.labels["app"] = nil
        let patch = try MergePatch(from: old, to: new)
        #expect(patch.document == ["metadata": ["annotations": ["a/b": "c"], "labels": .null]])
        #expect(patch.requiring(resourceVersion: "12").document["metadata"]?["resourceVersion"] == "12")
    }

    @Test func writesStepsAndPointers() {
        let patch = JSONPatch([
            .test(["metadata", "annotations", "a/b~c"], "x"), .remove(["spec"]), .move(from: ["a"], to: ["b", "0"]),
        ])
        #expect(
            patch.document == [
                ["op": "test", "path": "/metadata/annotations/a~1b~0c", "value": "x"],
                ["op": "remove", "path": "/spec"],
                ["op": "move", "from": "/a", "path": "/b/0"],
            ]
        )
        #expect(JSONPointer([]).description == "")
    }
}
