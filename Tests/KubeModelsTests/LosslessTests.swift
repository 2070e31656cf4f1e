// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import KubeModels
import Testing

/// What a type has no fields for survives, wherever it is moved.
struct LosslessTests {
    /// Without null and empty lists and maps, which mean that nothing is there.
    private func meaning(_ value: JSONValue, isKnown: Bool = true) -> JSONValue {
        guard case .object(let members) = value else {
            if case .array(let elements) = value { return .array(elements.map { meaning($0) }) }
            return value
        }
        return .object(members.compactMapValues { $0 == .null ? nil : meaning($0) })
    }

    @Test func nothingIsLost() throws {
        let sent = try JSONValue(json: SamplePod.json)
        let written = try JSONValue(json: Pod(json: SamplePod.json).json())
        #expect(meaning(written) == meaning(sent))
        #expect(written["spec"]?["affinity"]?["nodeAffinity"]?["x"] == .number(try number("12345678901234567890")))
        #expect(try DynamicObject(json: SamplePod.json)["future"] == [.null, ["k": "é"]])
    }

    private func number(_ text: String) throws -> JSONNumber {
        guard case .number(let number) = try JSONValue(json: text) else { throw JSONError("is no number") }
        return number
    }

    @Test func onlyWhatIsChangedChanges() throws {
        var pod = try Pod(json: SamplePod.json)
        pod.spec.containers.remove(at: 0)
        pod.spec.containers[0].image = "new"
        pod.metadata.finalizers = ["f"]
        pod.metadata.labels["app"] = nil
        var expected = try JSONValue(json: Pod(json: SamplePod.json).json())
        var container = try #require(expected["spec"]?["containers"]?[1])
        container["image"] = "new"
        var spec = try #require(expected["spec"])
        spec["containers"] = [container]
        expected["spec"] = spec
        var metadata = try #require(expected["metadata"])
        metadata["finalizers"] = ["f"]
        metadata["labels"] = nil
        expected["metadata"] = metadata
        #expect(try JSONValue(json: pod.json()) == expected)
    }

    @Test func aTemplateTakesAllAlong() throws {
        let template = try PodTemplateSpec(
            json:
                #"{"metadata":{"labels":{"a":"b"}},"spec":{"containers":[{"name":"c","weird":1}],"affinity":{"x":1}}}"#
        )
        let pod = Pod.with {
            $0.metadata.name = "web"
            $0.metadata.labels = template.metadata?.labels ?? [:]
            $0.spec = template.spec
        }
        let expected =
            #"{"apiVersion":"v1","kind":"Pod","metadata":{"name":"web","labels":{"a":"b"}},"spec":{"containers":[{"name":"c","weird":1}],"affinity":{"x":1}}}"#
        #expect(pod.jsonText == expected)
    }

    @Test func whatIsEmptyIsNotThere() throws {
        let pod = try Pod(
            json:
                #"{"metadata":{"name":"a","labels":null,"finalizers":[],"deletionTimestamp":null},"spec":null,"status":{}}"#
        )
        #expect(pod.metadata.labels.isEmpty && pod.status == PodStatus())
        #expect(pod.jsonText == #"{"apiVersion":"v1","kind":"Pod","metadata":{"name":"a"},"spec":{},"status":{}}"#)
        // An empty folder is a volume, and no folder is none.
        #expect(try Volume(json: #"{"name":"v","emptyDir":{}}"#).jsonText == #"{"name":"v","emptyDir":{}}"#)
    }

    @Test func secretsAreBytes() throws {
        let secret = try Secret(json: #"{"data":{"a":"aHVzaA==","b":""}}"#)
        #expect(secret.data["a"]?.text == "hush" && secret.data["b"]?.bytes.isEmpty == true)
        #expect(try Secret(json: secret.json()) == secret)
        #expect(!"\(secret.data["a"].map(\.description) ?? "")".contains("hush"))
        #expect(throws: JSONError.self) { try Secret(json: #"{"data":{"a":"!"}}"#) }
    }

    @Test func aResourceTakesFewLines() throws {
        let widget = try Widget(
            json:
                #"{"apiVersion":"example.com/v1","kind":"Widget","metadata":{"name":"w"},"spec":{"size":3,"more":[1]}}"#
        )
        #expect(widget.spec.size == 3)
        #expect(
            widget.jsonText
                == #"{"apiVersion":"example.com/v1","kind":"Widget","metadata":{"name":"w"},"spec":{"size":3,"more":[1]}}"#
        )
        #expect(widget.controllerReference().apiVersion == "example.com/v1")
    }

    @Test func conditionsKeepTheirTimes() {
        var conditions: [Condition] = []
        let early = Timestamp(seconds: 1), late = Timestamp(seconds: 2)
        func condition(_ status: String, _ time: Timestamp) -> Condition {
            .with { ($0.type, $0.status, $0.lastTransitionTime) = ("Ready", status, time) }
        }
        conditions["Ready"] = condition("False", early)
        conditions["Ready"] = condition("False", late)
        #expect(conditions["Ready"]?.lastTransitionTime == early)
        conditions["Ready"] = condition("True", late)
        #expect(conditions["Ready"]?.lastTransitionTime == late && conditions.isTrue("Ready") && conditions.count == 1)
        conditions["Ready"] = nil
        #expect(conditions.isEmpty)
    }
}

private struct Widget: KubeResource {
    struct Spec: JSONFields {
        var size: Int?
        var unknownFields = UnknownFields()
        mutating func visit(_ fields: inout FieldVisitor) throws(JSONError) { try fields.field("size", &size) }
    }

    static let resourceType = ResourceType(group: "example.com", version: "v1", kind: "Widget", plural: "widgets")
    var metadata = ObjectMeta()
    var spec = Spec()
    var unknownFields = UnknownFields()

    mutating func visit(_ fields: inout FieldVisitor) throws(JSONError) {
        try fields.field("metadata", &metadata)
        try fields.field("spec", &spec)
    }
}
