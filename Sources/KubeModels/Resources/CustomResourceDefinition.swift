// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

/// A type that a cluster has been taught (apiextensions.k8s.io/v1).
public struct CustomResourceDefinition: KubeResource {
    /// Its kind, and where it is served.
    public static let resourceType = ResourceType(
        group: "apiextensions.k8s.io",
        version: "v1",
        kind: "CustomResourceDefinition",
        plural: "customresourcedefinitions",
        scope: .cluster
    )

    /// Name, labels and so on. The name is `plural.group`.
    public var metadata = ObjectMeta()
    /// What the type is.
    public var spec = CustomResourceDefinitionSpec()
    /// Whether it is served.
    public var status: CustomResourceDefinitionStatus?
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

/// What a custom type is.
public struct CustomResourceDefinitionSpec: JSONFields {
    /// Its API group.
    public var group = ""
    /// What it is called.
    public var names = CustomResourceDefinitionNames()
    /// `Namespaced` or `Cluster`.
    public var scope = ""
    /// Its versions.
    public var versions: [CustomResourceDefinitionVersion] = []
    /// What this type has no fields for.
    public var unknownFields = UnknownFields()

    /// Creates an empty one.
    public init() {}

    /// Its fields.
    public mutating func visit(_ fields: inout FieldVisitor) throws(JSONError) {
        try fields.field("group", &group)
        try fields.field("names", &names)
        try fields.field("scope", &scope)
        try fields.field("versions", &versions)
    }
}

/// What a custom type is called.
public struct CustomResourceDefinitionNames: JSONFields {
    /// In addresses.
    public var plural = ""
    /// On command lines.
    public var singular: String?
    /// In objects.
    public var kind = ""
    /// In lists.
    public var listKind: String?
    /// On command lines, in short.
    public var shortNames: [String] = []
    /// With which others it is listed.
    public var categories: [String] = []
    /// What this type has no fields for.
    public var unknownFields = UnknownFields()

    /// Creates an empty one.
    public init() {}

    /// Its fields.
    public mutating func visit(_ fields: inout FieldVisitor) throws(JSONError) {
        try fields.field("plural", &plural)
        try fields.field("singular", &singular)
        try fields.field("kind", &kind)
        try fields.field("listKind", &listKind)
        try fields.field("shortNames", &shortNames)
        try fields.field("categories", &categories)
    }
}

/// A version of a custom type.
public struct CustomResourceDefinitionVersion: JSONFields {
    /// Its name, such as `v1alpha1`.
    public var name = ""
    /// Whether it can be read and written.
    public var served = false
    /// Whether it is the one that is stored.
    public var storage = false
    /// Its OpenAPI schema, in the member `openAPIV3Schema`.
    public var schema: RawJSON?
    /// Which of `status` and `scale` it has.
    public var subresources: RawJSON?
    /// What this type has no fields for.
    public var unknownFields = UnknownFields()

    /// Creates an empty one.
    public init() {}

    /// Its fields.
    public mutating func visit(_ fields: inout FieldVisitor) throws(JSONError) {
        try fields.field("name", &name)
        try fields.field("served", &served)
        try fields.field("storage", &storage)
        try fields.field("schema", &schema)
        try fields.field("subresources", &subresources)
    }
}

/// Whether a custom type is served.
public struct CustomResourceDefinitionStatus: JSONFields {
    /// `Established`, `NamesAccepted` and others.
    public var conditions: [Condition] = []
    /// The versions that objects may be stored in.
    public var storedVersions: [String] = []
    /// What this type has no fields for.
    public var unknownFields = UnknownFields()

    /// Creates an empty one.
    public init() {}

    /// Its fields.
    public mutating func visit(_ fields: inout FieldVisitor) throws(JSONError) {
        try fields.field("conditions", &conditions)
        try fields.field("storedVersions", &storedVersions)
    }
}
