// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

public import KubeModels

/// The groups that a server serves.
public struct APIGroupList: JSONFields {
    /// The groups, without the core group.
    public var groups: [APIGroup] = []
    /// What this type has no fields for.
    public var unknownFields = UnknownFields()

    /// Creates an empty one.
    public init() {}

    /// Its fields.
    public mutating func visit(_ fields: inout FieldVisitor) throws(JSONError) {
        try fields.field("groups", &groups)
    }
}

/// A group that a server serves.
public struct APIGroup: JSONFields {
    /// Its name.
    public var name = ""
    /// Its versions.
    public var versions: [APIGroupVersion] = []
    /// The version that the server likes best.
    public var preferredVersion: APIGroupVersion?
    /// What this type has no fields for.
    public var unknownFields = UnknownFields()

    /// Creates an empty one.
    public init() {}

    /// Its fields.
    public mutating func visit(_ fields: inout FieldVisitor) throws(JSONError) {
        try fields.field("name", &name)
        try fields.field("versions", &versions)
        try fields.field("preferredVersion", &preferredVersion)
    }
}

/// A version of a group.
public struct APIGroupVersion: JSONFields {
    /// Group and version, such as `batch/v1`.
    public var groupVersion = ""
    /// The version alone.
    public var version = ""
    /// What this type has no fields for.
    public var unknownFields = UnknownFields()

    /// Creates an empty one.
    public init() {}

    /// Its fields.
    public mutating func visit(_ fields: inout FieldVisitor) throws(JSONError) {
        try fields.field("groupVersion", &groupVersion)
        try fields.field("version", &version)
    }
}

/// The types of a version of a group.
public struct APIResourceList: JSONFields {
    /// Group and version.
    public var groupVersion = ""
    /// The types, and their subresources.
    public var resources: [APIResource] = []
    /// What this type has no fields for.
    public var unknownFields = UnknownFields()

    /// Creates an empty one.
    public init() {}

    /// Its fields.
    public mutating func visit(_ fields: inout FieldVisitor) throws(JSONError) {
        try fields.field("groupVersion", &groupVersion)
        try fields.field("resources", &resources)
    }
}

/// A type that a server serves.
public struct APIResource: JSONFields {
    /// The name in addresses; `pods/log` for a subresource.
    public var name = ""
    /// The name on command lines.
    public var singularName = ""
    /// Whether objects live in namespaces.
    public var namespaced = false
    /// The kind.
    public var kind = ""
    /// Its group, if not that of the list.
    public var group: String?
    /// Its version, if not that of the list.
    public var version: String?
    /// What can be done: `get`, `list`, `watch` and so on.
    public var verbs: [String] = []
    /// Names on command lines, in short.
    public var shortNames: [String] = []
    /// With which others it is listed.
    public var categories: [String] = []
    /// What this type has no fields for.
    public var unknownFields = UnknownFields()

    /// Creates an empty one.
    public init() {}

    /// Its fields.
    public mutating func visit(_ fields: inout FieldVisitor) throws(JSONError) {
        try fields.field("name", &name)
        try fields.field("singularName", &singularName)
        try fields.field("namespaced", &namespaced)
        try fields.field("kind", &kind)
        try fields.field("group", &group)
        try fields.field("version", &version)
        try fields.field("verbs", &verbs)
        try fields.field("shortNames", &shortNames)
        try fields.field("categories", &categories)
    }
}
