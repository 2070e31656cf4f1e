// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

/// The wish for a volume that outlives pods (core/v1).
public struct PersistentVolumeClaim: KubeResource {
    /// Its kind, and where it is served.
    public static let resourceType = ResourceType(
        group: "",
        version: "v1",
        kind: "PersistentVolumeClaim",
        plural: "persistentvolumeclaims"
    )

    /// Name, labels, owners and so on.
    public var metadata = ObjectMeta()
    /// What is wished for.
    public var spec = PersistentVolumeClaimSpec()
    /// What is there.
    public var status: PersistentVolumeClaimStatus?
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

/// What volume is wished for.
public struct PersistentVolumeClaimSpec: JSONFields {
    /// `ReadWriteOnce`, `ReadOnlyMany`, `ReadWriteMany` or `ReadWriteOncePod`.
    public var accessModes: [String] = []
    /// How large.
    public var resources: ResourceRequirements?
    /// Of which class; empty for none, `nil` for the cluster's default.
    public var storageClassName: String?
    /// `Filesystem` (the default) or `Block`.
    public var volumeMode: String?
    /// The volume, once that is decided.
    public var volumeName: String?
    /// What its content comes from, such as a VolumeSnapshot.
    public var dataSource: TypedLocalObjectReference?
    /// What this type has no fields for.
    public var unknownFields = UnknownFields()

    /// Creates an empty one.
    public init() {}

    /// Its fields.
    public mutating func visit(_ fields: inout FieldVisitor) throws(JSONError) {
        try fields.field("accessModes", &accessModes)
        try fields.field("resources", &resources)
        try fields.field("storageClassName", &storageClassName)
        try fields.field("volumeMode", &volumeMode)
        try fields.field("volumeName", &volumeName)
        try fields.field("dataSource", &dataSource)
    }
}

/// An object of some kind in the same namespace.
public struct TypedLocalObjectReference: JSONFields {
    /// Its group; `nil` for the core group.
    public var apiGroup: String?
    /// Its kind.
    public var kind = ""
    /// Its name.
    public var name = ""
    /// What this type has no fields for.
    public var unknownFields = UnknownFields()

    /// Creates an empty one.
    public init() {}

    /// Its fields.
    public mutating func visit(_ fields: inout FieldVisitor) throws(JSONError) {
        try fields.field("apiGroup", &apiGroup)
        try fields.field("kind", &kind)
        try fields.field("name", &name)
    }
}

/// What is there of a wished volume.
public struct PersistentVolumeClaimStatus: JSONFields {
    /// `Pending`, `Bound` or `Lost`.
    public var phase: String?
    /// How it can be used.
    public var accessModes: [String] = []
    /// How large it is.
    public var capacity: [String: Quantity] = [:]
    /// `Resizing` and others.
    public var conditions: [Condition] = []
    /// What this type has no fields for.
    public var unknownFields = UnknownFields()

    /// Creates an empty one.
    public init() {}

    /// Its fields.
    public mutating func visit(_ fields: inout FieldVisitor) throws(JSONError) {
        try fields.field("phase", &phase)
        try fields.field("accessModes", &accessModes)
        try fields.field("capacity", &capacity)
        try fields.field("conditions", &conditions)
    }
}
