// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

/// Which labels an object must have, as objects say it (`metav1.LabelSelector`). An empty one selects everything.
public struct LabelSelector: JSONFields {
    /// Labels with their values.
    public var matchLabels: [String: String] = [:]
    /// What else must be true. All of it must be.
    public var matchExpressions: [LabelSelectorRequirement] = []
    /// What this type has no fields for.
    public var unknownFields = UnknownFields()

    /// Creates an empty one.
    public init() {}

    /// Its fields.
    public mutating func visit(_ fields: inout FieldVisitor) throws(JSONError) {
        try fields.field("matchLabels", &matchLabels)
        try fields.field("matchExpressions", &matchExpressions)
    }
}

/// Something that must be true of an object's labels.
public struct LabelSelectorRequirement: JSONFields {
    /// The label.
    public var key = ""
    /// `In`, `NotIn`, `Exists` or `DoesNotExist`.
    public var `operator` = ""
    /// The values for `In` and `NotIn`.
    public var values: [String] = []
    /// What this type has no fields for.
    public var unknownFields = UnknownFields()

    /// Creates an empty one.
    public init() {}

    /// Its fields.
    public mutating func visit(_ fields: inout FieldVisitor) throws(JSONError) {
        try fields.field("key", &key)
        try fields.field("operator", &`operator`)
        try fields.field("values", &values)
    }
}
