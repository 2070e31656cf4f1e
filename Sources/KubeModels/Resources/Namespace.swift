// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

/// What names of objects are unique in (core/v1).
public struct Namespace: KubeResource {
    /// Its kind, and where it is served.
    public static let resourceType = ResourceType(
        group: "",
        version: "v1",
        kind: "Namespace",
        plural: "namespaces",
        scope: .cluster
    )

    /// Name, labels and so on.
    public var metadata = ObjectMeta()
    /// What it does.
    public var status: NamespaceStatus?
    /// What this type has no fields for.
    public var unknownFields = UnknownFields()

    /// Creates an empty one.
    public init() {}

    /// Its fields.
    public mutating func visit(_ fields: inout FieldVisitor) throws(JSONError) {
        try fields.field("metadata", &metadata)
        try fields.field("status", &status)
    }
}

/// What a namespace does.
public struct NamespaceStatus: JSONFields {
    /// `Active` or `Terminating`.
    public var phase: String?
    /// What holds its deletion up.
    public var conditions: [Condition] = []
    /// What this type has no fields for.
    public var unknownFields = UnknownFields()

    /// Creates an empty one.
    public init() {}

    /// Its fields.
    public mutating func visit(_ fields: inout FieldVisitor) throws(JSONError) {
        try fields.field("phase", &phase)
        try fields.field("conditions", &conditions)
    }
}
