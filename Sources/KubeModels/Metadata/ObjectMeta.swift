// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

/// What every object has.
public struct ObjectMeta: JSONFields {
    /// Its name, unique in its namespace and kind.
    public var name = ""
    /// The beginning of its name, to which the API server adds some characters if there is no name.
    public var generateName: String?
    /// Its namespace; `nil` for objects of the cluster.
    public var namespace: String?
    /// What tells it from others that had its name before.
    public var uid: String?
    /// Which state of it this is. Nothing can be read off it but whether two are the same.
    public var resourceVersion: String?
    /// How often its wish, the spec, has changed.
    public var generation: Int?
    /// When it was created.
    public var creationTimestamp: Timestamp?
    /// When it is to be gone, if somebody has deleted it. Until its finalizers are done it is still there.
    public var deletionTimestamp: Timestamp?
    /// How long it has to end, if somebody has deleted it.
    public var deletionGracePeriodSeconds: Int?
    /// Labels, to select by.
    public var labels: [String: String] = [:]
    /// Annotations, to look up.
    public var annotations: [String: String] = [:]
    /// Who owns it. With the last owner it goes itself.
    public var ownerReferences: [OwnerReference] = []
    /// Who has something to do before it may go.
    public var finalizers: [String] = []
    /// Who has written which fields.
    public var managedFields: [ManagedFieldsEntry] = []
    /// What this type has no fields for.
    public var unknownFields = UnknownFields()

    /// Creates an empty one.
    public init() {}

    /// Its fields.
    public mutating func visit(_ fields: inout FieldVisitor) throws(JSONError) {
        try fields.nonEmpty("name", &name)
        try fields.field("generateName", &generateName)
        try fields.field("namespace", &namespace)
        try fields.field("uid", &uid)
        try fields.field("resourceVersion", &resourceVersion)
        try fields.field("generation", &generation)
        try fields.field("creationTimestamp", &creationTimestamp)
        try fields.field("deletionTimestamp", &deletionTimestamp)
        try fields.field("deletionGracePeriodSeconds", &deletionGracePeriodSeconds)
        try fields.field("labels", &labels)
        try fields.field("annotations", &annotations)
        try fields.field("ownerReferences", &ownerReferences)
        try fields.field("finalizers", &finalizers)
        try fields.field("managedFields", &managedFields)
    }
}

/// An object that owns another one in its namespace, or in the cluster.
public struct OwnerReference: JSONFields {
    /// Group and version of the owner.
    public var apiVersion = ""
    /// The owner's kind.
    public var kind = ""
    /// The owner's name.
    public var name = ""
    /// The owner's UID.
    public var uid = ""
    /// Whether the owner is the one that manages the other; at most one is.
    public var controller: Bool?
    /// Whether a foreground deletion of the owner waits for the other.
    public var blockOwnerDeletion: Bool?
    /// What this type has no fields for.
    public var unknownFields = UnknownFields()

    /// Creates an empty one.
    public init() {}

    /// Its fields.
    public mutating func visit(_ fields: inout FieldVisitor) throws(JSONError) {
        try fields.field("apiVersion", &apiVersion)
        try fields.field("kind", &kind)
        try fields.field("name", &name)
        try fields.field("uid", &uid)
        try fields.field("controller", &controller)
        try fields.field("blockOwnerDeletion", &blockOwnerDeletion)
    }
}

/// Fields that one manager has written.
public struct ManagedFieldsEntry: JSONFields {
    /// Who: the field manager that a write names.
    public var manager = ""
    /// How: `Apply` or `Update`.
    public var operation = ""
    /// In which version.
    public var apiVersion = ""
    /// When it last changed.
    public var time: Timestamp?
    /// Through which subresource, if any. API servers before 1.22 do not tell.
    public var subresource: String?
    /// The form of the fields: `FieldsV1`.
    public var fieldsType = ""
    /// The fields, as a trie of `f:name`, `k:{...}` and `v:value`.
    public var fieldsV1: RawJSON?
    /// What this type has no fields for.
    public var unknownFields = UnknownFields()

    /// Creates an empty one.
    public init() {}

    /// Its fields.
    public mutating func visit(_ fields: inout FieldVisitor) throws(JSONError) {
        try fields.field("manager", &manager)
        try fields.field("operation", &operation)
        try fields.field("apiVersion", &apiVersion)
        try fields.field("time", &time)
        try fields.field("subresource", &subresource)
        try fields.field("fieldsType", &fieldsType)
        try fields.field("fieldsV1", &fieldsV1)
    }
}

/// What every list has.
public struct ListMeta: JSONFields {
    /// The state of the cluster that the list tells of. A watch from here misses nothing.
    public var resourceVersion: String?
    /// Where the next page begins, if this is not the last one.
    public var continueToken: String?
    /// How many objects there are on further pages, if the server tells.
    public var remainingItemCount: Int?
    /// What this type has no fields for.
    public var unknownFields = UnknownFields()

    /// Creates an empty one.
    public init() {}

    /// Its fields.
    public mutating func visit(_ fields: inout FieldVisitor) throws(JSONError) {
        try fields.field("resourceVersion", &resourceVersion)
        try fields.field("continue", &continueToken)
        try fields.field("remainingItemCount", &remainingItemCount)
    }
}

/// A reference to an object of any kind.
public struct ObjectReference: JSONFields {
    /// Its group and version.
    public var apiVersion: String?
    /// Its kind.
    public var kind: String?
    /// Its namespace.
    public var namespace: String?
    /// Its name.
    public var name: String?
    /// Its UID.
    public var uid: String?
    /// The state of it that is meant.
    public var resourceVersion: String?
    /// The part of it that is meant, such as `spec.containers{main}`.
    public var fieldPath: String?
    /// What this type has no fields for.
    public var unknownFields = UnknownFields()

    /// Creates an empty one.
    public init() {}

    /// Its fields.
    public mutating func visit(_ fields: inout FieldVisitor) throws(JSONError) {
        try fields.field("apiVersion", &apiVersion)
        try fields.field("kind", &kind)
        try fields.field("namespace", &namespace)
        try fields.field("name", &name)
        try fields.field("uid", &uid)
        try fields.field("resourceVersion", &resourceVersion)
        try fields.field("fieldPath", &fieldPath)
    }
}

/// The name of an object in the same namespace.
public struct LocalObjectReference: JSONFields {
    /// The name.
    public var name = ""
    /// What this type has no fields for.
    public var unknownFields = UnknownFields()

    /// Creates an empty one.
    public init() {}

    /// Its fields.
    public mutating func visit(_ fields: inout FieldVisitor) throws(JSONError) {
        try fields.field("name", &name)
    }
}
