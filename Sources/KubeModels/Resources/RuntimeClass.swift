// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

/// A way of running containers, such as gVisor's or Kata's (node.k8s.io/v1).
public struct RuntimeClass: KubeResource {
    /// Its kind, and where it is served.
    public static let resourceType = ResourceType(
        group: "node.k8s.io",
        version: "v1",
        kind: "RuntimeClass",
        plural: "runtimeclasses",
        scope: .cluster
    )

    /// Name, labels and so on.
    public var metadata = ObjectMeta()
    /// What the container runtime calls it.
    public var handler = ""
    /// What this type has no fields for.
    public var unknownFields = UnknownFields()

    /// Creates an empty one.
    public init() {}

    /// Its fields.
    public mutating func visit(_ fields: inout FieldVisitor) throws(JSONError) {
        try fields.field("metadata", &metadata)
        try fields.field("handler", &handler)
    }
}
