// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

/// What an API server says of a request that it did not, or not yet, carry out (`metav1.Status`).
public struct Status: JSONFields {
    /// Of the list, if there is one.
    public var metadata: ListMeta?
    /// `Success` or `Failure`.
    public var status: String?
    /// What happened, for people.
    public var message: String?
    /// What happened, in one CamelCase word, such as `NotFound`.
    public var reason: String?
    /// To what it happened, and why.
    public var details: StatusDetails?
    /// The HTTP status.
    public var code: Int?
    /// What this type has no fields for.
    public var unknownFields = UnknownFields()

    /// Creates an empty one.
    public init() {}

    /// Its fields.
    public mutating func visit(_ fields: inout FieldVisitor) throws(JSONError) {
        try fields.field("metadata", &metadata)
        try fields.field("status", &status)
        try fields.field("message", &message)
        try fields.field("reason", &reason)
        try fields.field("details", &details)
        try fields.field("code", &code)
    }
}

/// To what something happened, and why.
public struct StatusDetails: JSONFields {
    /// The object's name.
    public var name: String?
    /// Its group.
    public var group: String?
    /// Its kind or plural.
    public var kind: String?
    /// Its UID.
    public var uid: String?
    /// The single reasons.
    public var causes: [StatusCause] = []
    /// After how long another try may help.
    public var retryAfterSeconds: Int?
    /// What this type has no fields for.
    public var unknownFields = UnknownFields()

    /// Creates an empty one.
    public init() {}

    /// Its fields.
    public mutating func visit(_ fields: inout FieldVisitor) throws(JSONError) {
        try fields.field("name", &name)
        try fields.field("group", &group)
        try fields.field("kind", &kind)
        try fields.field("uid", &uid)
        try fields.field("causes", &causes)
        try fields.field("retryAfterSeconds", &retryAfterSeconds)
    }
}

/// One reason why a request was not carried out.
public struct StatusCause: JSONFields {
    /// The reason in one CamelCase word, such as `FieldValueInvalid`.
    public var reason: String?
    /// The reason for people.
    public var message: String?
    /// The field that it is about, such as `spec.containers[0].image`.
    public var field: String?
    /// What this type has no fields for.
    public var unknownFields = UnknownFields()

    /// Creates an empty one.
    public init() {}

    /// Its fields.
    public mutating func visit(_ fields: inout FieldVisitor) throws(JSONError) {
        try fields.field("reason", &reason)
        try fields.field("message", &message)
        try fields.field("field", &field)
    }
}
