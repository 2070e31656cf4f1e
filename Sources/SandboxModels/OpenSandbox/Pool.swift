// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

public import KubeModels

/// Pods that are kept ready for sandboxes to take: `pools`.
public struct Pool: KubeResource {
    /// Its kind, and where it is served.
    public static let resourceType = ResourceType(
        group: OpenSandbox.group,
        version: OpenSandbox.version,
        kind: "Pool",
        plural: "pools"
    )

    /// Name, labels, owners and so on.
    public var metadata = ObjectMeta()
    /// What is wanted.
    public var spec = PoolSpec()
    /// What there is; `nil` until somebody has looked.
    public var status: PoolStatus?
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

/// What is wanted of a `Pool`.
public struct PoolSpec: JSONFields {
    /// The `PodTemplateSpec` of its pods. No schema checks it; see `podTemplate()`.
    public var template: RawJSON?
    /// How many pods.
    public var capacitySpec = PoolCapacity()
    /// How fast it grows and shrinks.
    public var scaleStrategy: PoolRollout?
    /// How fast idle pods of an older template are replaced.
    public var updateStrategy: PoolRollout?
    /// What happens to a pod that a sandbox gives back.
    public var recycleStrategy: PoolRecycling?
    /// What this type has no fields for.
    public var unknownFields = UnknownFields()

    /// Creates an empty one.
    public init() {}

    /// Its fields.
    public mutating func visit(_ fields: inout FieldVisitor) throws(JSONError) {
        try fields.field("template", &template)
        try fields.field("capacitySpec", &capacitySpec)
        try fields.field("scaleStrategy", &scaleStrategy)
        try fields.field("updateStrategy", &updateStrategy)
        try fields.field("recycleStrategy", &recycleStrategy)
    }

    /// The template of its pods; `nil` if it has none.
    ///
    /// - Throws: `JSONError` if what is written there is no template of pods.
    public func podTemplate() throws(JSONError) -> PodTemplateSpec? {
        try template?.decoded(as: PodTemplateSpec.self)
    }
}

/// How many pods a `Pool` keeps. None is negative.
public struct PoolCapacity: JSONFields {
    /// The most pods that wait idle.
    public var bufferMax = 0
    /// The fewest pods that wait idle.
    public var bufferMin = 0
    /// The most pods, those that sandboxes have included.
    public var poolMax = 0
    /// The fewest pods, those that sandboxes have included.
    public var poolMin = 0
    /// What this type has no fields for.
    public var unknownFields = UnknownFields()

    /// Creates an empty one.
    public init() {}

    /// Its fields.
    public mutating func visit(_ fields: inout FieldVisitor) throws(JSONError) {
        try fields.field("bufferMax", &bufferMax)
        try fields.field("bufferMin", &bufferMin)
        try fields.field("poolMax", &poolMax)
        try fields.field("poolMin", &poolMin)
    }
}

/// How many of a pool's pods may be missing at the same time while it changes.
public struct PoolRollout: JSONFields {
    /// A number or a percentage, rounded up and at least 1; `25%` by default.
    public var maxUnavailable: IntOrString?
    /// What this type has no fields for.
    public var unknownFields = UnknownFields()

    /// Creates an empty one.
    public init() {}

    /// Its fields.
    public mutating func visit(_ fields: inout FieldVisitor) throws(JSONError) {
        try fields.field("maxUnavailable", &maxUnavailable)
    }
}

/// What happens to a pod that a sandbox gives back.
public struct PoolRecycling: JSONFields {
    /// What; `Delete` by default.
    public var type: RecycleType?
    /// What this type has no fields for.
    public var unknownFields = UnknownFields()

    /// Creates an empty one.
    public init() {}

    /// Its fields.
    public mutating func visit(_ fields: inout FieldVisitor) throws(JSONError) {
        try fields.field("type", &type)
    }
}

/// The ways to recycle a pod.
public struct RecycleType: JSONWord {
    /// The word.
    public var rawValue: String

    /// Creates one from its word.
    public init(rawValue: String) { self.rawValue = rawValue }

    /// It is deleted, and another one made.
    public static let delete = RecycleType(rawValue: "Delete")
    /// Its containers are started again.
    public static let restart = RecycleType(rawValue: "Restart")
    /// It is taken again as it is.
    public static let noop = RecycleType(rawValue: "Noop")

    /// All there are so far.
    public static let known: [RecycleType] = [.delete, .restart, .noop]
}

/// What there is of a `Pool`.
public struct PoolStatus: JSONFields {
    /// The generation of the spec that this was found for.
    public var observedGeneration: Int?
    /// Names the template that new pods are made from.
    public var revision = ""
    /// How many pods there are that are not being deleted.
    public var total = 0
    /// How many pods sandboxes have.
    public var allocated = 0
    /// How many pods are idle and ready.
    public var available = 0
    /// How many pods are of the present revision. Some copies of upstream's schema prune it.
    public var updated: Int?
    /// What this type has no fields for.
    public var unknownFields = UnknownFields()

    /// Creates an empty one.
    public init() {}

    /// Its fields.
    public mutating func visit(_ fields: inout FieldVisitor) throws(JSONError) {
        try fields.field("observedGeneration", &observedGeneration)
        try fields.field("revision", &revision)
        try fields.field("total", &total)
        try fields.field("allocated", &allocated)
        try fields.field("available", &available)
        try fields.field("updated", &updated)
    }
}
