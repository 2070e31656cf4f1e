// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import KubeModels

/// Asks the API server whose a token is (authentication.k8s.io/v1).
struct TokenReview: KubeResource {
    static let resourceType = ResourceType(
        group: "authentication.k8s.io",
        version: "v1",
        kind: "TokenReview",
        plural: "tokenreviews",
        scope: .cluster
    )

    struct Spec: JSONFields {
        var token = ""
        var unknownFields = UnknownFields()

        mutating func visit(_ fields: inout FieldVisitor) throws(JSONError) { try fields.field("token", &token) }
    }

    struct Status: JSONFields {
        var authenticated = false
        var user = User()
        var unknownFields = UnknownFields()

        mutating func visit(_ fields: inout FieldVisitor) throws(JSONError) {
            try fields.field("authenticated", &authenticated)
            try fields.field("user", &user)
        }
    }

    struct User: JSONFields {
        var username = ""
        var uid: String?
        var groups: [String] = []
        var unknownFields = UnknownFields()

        mutating func visit(_ fields: inout FieldVisitor) throws(JSONError) {
            try fields.field("username", &username)
            try fields.field("uid", &uid)
            try fields.field("groups", &groups)
        }
    }

    var metadata = ObjectMeta()
    var spec = Spec()
    var status: Status?
    var unknownFields = UnknownFields()

    mutating func visit(_ fields: inout FieldVisitor) throws(JSONError) {
        try fields.field("metadata", &metadata)
        try fields.field("spec", &spec)
        try fields.field("status", &status)
    }
}

/// Asks the API server what a user may do (authorization.k8s.io/v1).
struct SubjectAccessReview: KubeResource {
    static let resourceType = ResourceType(
        group: "authorization.k8s.io",
        version: "v1",
        kind: "SubjectAccessReview",
        plural: "subjectaccessreviews",
        scope: .cluster
    )

    struct Spec: JSONFields {
        var user = ""
        var uid: String?
        var groups: [String] = []
        var nonResourceAttributes = NonResourceAttributes()
        var unknownFields = UnknownFields()

        mutating func visit(_ fields: inout FieldVisitor) throws(JSONError) {
            try fields.field("user", &user)
            try fields.field("uid", &uid)
            try fields.field("groups", &groups)
            try fields.field("nonResourceAttributes", &nonResourceAttributes)
        }
    }

    struct NonResourceAttributes: JSONFields {
        var path = ""
        var verb = ""
        var unknownFields = UnknownFields()

        mutating func visit(_ fields: inout FieldVisitor) throws(JSONError) {
            try fields.field("path", &path)
            try fields.field("verb", &verb)
        }
    }

    struct Status: JSONFields {
        var allowed = false
        var unknownFields = UnknownFields()

        mutating func visit(_ fields: inout FieldVisitor) throws(JSONError) { try fields.field("allowed", &allowed) }
    }

    var metadata = ObjectMeta()
    var spec = Spec()
    var status: Status?
    var unknownFields = UnknownFields()

    mutating func visit(_ fields: inout FieldVisitor) throws(JSONError) {
        try fields.field("metadata", &metadata)
        try fields.field("spec", &spec)
        try fields.field("status", &status)
    }
}
