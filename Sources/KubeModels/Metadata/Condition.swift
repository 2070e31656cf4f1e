// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

/// One aspect of an object's state (`metav1.Condition`, and what pods, nodes and jobs have before that).
public struct Condition: JSONFields {
    /// Which aspect, such as `Ready`.
    public var type = ""
    /// `True`, `False` or `Unknown`.
    public var status = ""
    /// The generation of the spec that it was found for.
    public var observedGeneration: Int?
    /// When the status last changed.
    public var lastTransitionTime: Timestamp?
    /// Why, in one CamelCase word.
    public var reason: String?
    /// Why, for people.
    public var message: String?
    /// What this type has no fields for.
    public var unknownFields = UnknownFields()

    /// Creates an empty one.
    public init() {}

    /// Its fields.
    public mutating func visit(_ fields: inout FieldVisitor) throws(JSONError) {
        try fields.field("type", &type)
        try fields.field("status", &status)
        try fields.field("observedGeneration", &observedGeneration)
        try fields.field("lastTransitionTime", &lastTransitionTime)
        try fields.field("reason", &reason)
        try fields.field("message", &message)
    }
}
