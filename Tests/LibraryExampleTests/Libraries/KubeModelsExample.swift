// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Foundation
import KubeModels
import Testing

struct Widget: KubeResource {
    static let resourceType = ResourceType(group: "example.com", version: "v1", kind: "Widget", plural: "widgets")

    var metadata = ObjectMeta()
    var spec = WidgetSpec()
    var unknownFields = UnknownFields()

    mutating func visit(_ fields: inout FieldVisitor) throws(JSONError) {
        try fields.field("metadata", &metadata)
        try fields.field("spec", &spec)
    }
}

struct WidgetSpec: JSONFields {
    var size: Int?
    var unknownFields = UnknownFields()

    mutating func visit(_ fields: inout FieldVisitor) throws(JSONError) { try fields.field("size", &size) }
}

@Suite("The example of KubeModels")
struct KubeModelsExample {
    @Test("changes what it names, and keeps the rest")
    func changes() throws {
        let bytes = Array(
            #"{"metadata":{"name":"a","labels":{"tier":"b"}},"spec":{"later":1,"containers":[{"name":"c"}]}}"#.utf8
        )
        var pod = try Pod(json: bytes)
        pod.spec.containers[0].image = "registry.example/app@sha256:..."
        pod.metadata.labels["tier"] = nil
        let changed = pod.json()  // node affinity, volumes of any kind, fields of next year: all still there
        let text = String(decoding: changed, as: UTF8.self)
        #expect(text.contains("sha256") && text.contains(#""later":1"#) && !text.contains("tier"), "\(text)")
    }

    @Test("reads and writes a type of its own")
    func ownType() throws {
        let widget = try Widget(json: #"{"metadata":{"name":"a"},"spec":{"size":3,"new":true}}"#)
        #expect(widget.spec.size == 3)
        #expect(String(decoding: widget.json(), as: UTF8.self).contains(#""new":true"#))
    }
}
