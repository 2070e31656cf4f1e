// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import KubeModels

struct LenientTests {
    private static let good =
        #"{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"a","resourceVersion":"1"},"data":{"k":"v"},"other":[1]}"#
    private static let bad =
        #"{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"b","resourceVersion":"2"},"data":{"k":["v",{"x":5}]},"other":{}}"#

    @Test func oneThatIsNotAsItsTypeSaysLeavesTheOthersAlone() throws {
        let text = #"{"kind":"ConfigMapList","items":[\#(Self.good),\#(Self.bad),\#(Self.good)]}"#
        let list = try KubeList<Lenient<ConfigMap>>(json: text)
        #expect(list.items.map(\.metadata.name) == ["a", "b", "a"])
        guard case .object(let map) = list.items[2], case .malformed(let other) = list.items[1] else {
            Issue.record("\(list.items)")
            return
        }
        #expect(map == (try ConfigMap(json: Self.good)))
        #expect(other.error.path == ["data", "k"] && other.error.reason.contains("not a string"), "\(other.error)")
        #expect(other.object["data"] == ["k": ["v", ["x": 5]]])
        // What is told is what is written.
        #expect(list.items[1].jsonText == Self.bad)
        #expect(throws: JSONError.self) { try KubeList<ConfigMap>(json: text) }
    }

    @Test(arguments: [
        #"{"kind":"Secret","metadata":{"name":"a"}}"#, #"{"apiVersion":"v2","metadata":{"name":"a"}}"#,
        #"{"metadata":{"name":"a"},"data":"none"}"#,
    ])
    func anotherTypeIsMalformed(_ text: String) throws {
        guard case .malformed(let other) = try Lenient<ConfigMap>(json: text) else {
            Issue.record("it was read")
            return
        }
        #expect(other.object.metadata.name == "a")
    }

    /// What is no object at all is still an error, wherever it begins to be none.
    @Test(arguments: [
        #"[]"#, #"{"metadata":{"name":"a"},"data":{"k":"v"}"#, #"{"data":{"k":[}}"#, #"{"metadata":5}"#,
        #"{"data":[{"a":[1,2}]}"#, #"{"metadata":{"name":"a"}} x"#,
    ])
    func whatIsNoObjectIsAnError(_ text: String) {
        #expect(throws: JSONError.self) { try Lenient<ConfigMap>(json: text) }
    }

    @Test func itsMetadataIsThatOfTheObject() throws {
        var items = [try Lenient<ConfigMap>(json: Self.good), try Lenient<ConfigMap>(json: Self.bad)]
        for place in items.indices { items[place].metadata.labels = ["x": "y"] }
        #expect(items.allSatisfy { $0.metadata.labels == ["x": "y"] })
        #expect(items.map(\.unknownFields.names) == [["other"], ["data", "other"]])
        for item in items { #expect(try Lenient<ConfigMap>(json: item.jsonText).jsonText == item.jsonText) }
    }
}
