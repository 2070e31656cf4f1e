// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

/// Whom pods act as in the cluster (core/v1).
public struct ServiceAccount: KubeResource {
    /// Its kind, and where it is served.
    public static let resourceType = ResourceType(
        group: "",
        version: "v1",
        kind: "ServiceAccount",
        plural: "serviceaccounts"
    )

    /// Name, labels, owners and so on.
    public var metadata = ObjectMeta()
    /// Secrets that its pods may mount.
    public var secrets: [ObjectReference] = []
    /// Logins to pull its pods' images with.
    public var imagePullSecrets: [LocalObjectReference] = []
    /// Whether its pods get its rights as a file.
    public var automountServiceAccountToken: Bool?
    /// What this type has no fields for.
    public var unknownFields = UnknownFields()

    /// Creates an empty one.
    public init() {}

    /// Its fields.
    public mutating func visit(_ fields: inout FieldVisitor) throws(JSONError) {
        try fields.field("metadata", &metadata)
        try fields.field("secrets", &secrets)
        try fields.field("imagePullSecrets", &imagePullSecrets)
        try fields.field("automountServiceAccountToken", &automountServiceAccountToken)
    }
}
