// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import KubeModels

/// Somebody to greet: the custom resource of this operator. See crd.yaml.
struct Greeting: KubeResource {
    static let resourceType = ResourceType(group: "tiny.example", version: "v1", kind: "Greeting", plural: "greetings")

    var metadata = ObjectMeta()
    var spec = GreetingSpec()
    var unknownFields = UnknownFields()

    mutating func visit(_ fields: inout FieldVisitor) throws(JSONError) {
        try fields.field("metadata", &metadata)
        try fields.field("spec", &spec)
    }
}

/// Whom to greet.
struct GreetingSpec: JSONFields {
    var person = ""
    var unknownFields = UnknownFields()

    mutating func visit(_ fields: inout FieldVisitor) throws(JSONError) {
        try fields.field("person", &person)
    }
}
