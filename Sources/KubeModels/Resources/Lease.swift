// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

/// Who holds something for a while (coordination.k8s.io/v1).
public struct Lease: KubeResource {
    /// Its kind, and where it is served.
    public static let resourceType = ResourceType(
        group: "coordination.k8s.io",
        version: "v1",
        kind: "Lease",
        plural: "leases"
    )

    /// Name, labels, owners and so on.
    public var metadata = ObjectMeta()
    /// Who holds it.
    public var spec = LeaseSpec()
    /// What this type has no fields for.
    public var unknownFields = UnknownFields()

    /// Creates an empty one.
    public init() {}

    /// Its fields.
    public mutating func visit(_ fields: inout FieldVisitor) throws(JSONError) {
        try fields.field("metadata", &metadata)
        try fields.field("spec", &spec)
    }
}

/// Who holds a lease.
public struct LeaseSpec: JSONFields {
    /// The holder; empty or absent if there is none.
    public var holderIdentity: String?
    /// How long others wait after it was last renewed, by their own clocks.
    public var leaseDurationSeconds: Int?
    /// When this holder got it.
    public var acquireTime: MicroTime?
    /// When it was last renewed.
    public var renewTime: MicroTime?
    /// How often the holder has changed.
    public var leaseTransitions: Int?
    /// What this type has no fields for.
    public var unknownFields = UnknownFields()

    /// Creates an empty one.
    public init() {}

    /// Its fields.
    public mutating func visit(_ fields: inout FieldVisitor) throws(JSONError) {
        try fields.field("holderIdentity", &holderIdentity)
        try fields.field("leaseDurationSeconds", &leaseDurationSeconds)
        try fields.field("acquireTime", &acquireTime)
        try fields.field("renewTime", &renewTime)
        try fields.field("leaseTransitions", &leaseTransitions)
    }
}
