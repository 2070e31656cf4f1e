// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

/// How many replicas of something there shall be, as its subresource `scale` (autoscaling/v1).
public struct Scale: KubeResource {
    /// Its kind, and where it is served.
    public static let resourceType = ResourceType(group: "autoscaling", version: "v1", kind: "Scale", plural: "scales")

    /// Name, namespace and version of the object that is scaled.
    public var metadata = ObjectMeta()
    /// How many there shall be.
    public var spec = ScaleSpec()
    /// How many there are.
    public var status: ScaleStatus?
    /// What this type has no fields for.
    public var unknownFields = UnknownFields()

    /// Creates an empty one.
    public init() {}

    /// Its fields.
    public mutating func visit(_ fields: inout FieldVisitor) throws(JSONError) {
        try fields.field("metadata", &metadata)
        try fields.field("spec", &spec)
        try fields.field("status", &status)
    }
}

/// How many replicas there shall be.
public struct ScaleSpec: JSONFields {
    /// So many.
    public var replicas = 0
    /// What this type has no fields for.
    public var unknownFields = UnknownFields()

    /// Creates an empty one.
    public init() {}

    /// Its fields.
    public mutating func visit(_ fields: inout FieldVisitor) throws(JSONError) {
        try fields.field("replicas", &replicas)
    }
}

/// How many replicas there are.
public struct ScaleStatus: JSONFields {
    /// So many.
    public var replicas = 0
    /// Labels of their pods, in the string form.
    public var selector: String?
    /// What this type has no fields for.
    public var unknownFields = UnknownFields()

    /// Creates an empty one.
    public init() {}

    /// Its fields.
    public mutating func visit(_ fields: inout FieldVisitor) throws(JSONError) {
        try fields.field("replicas", &replicas)
        try fields.field("selector", &selector)
    }
}
