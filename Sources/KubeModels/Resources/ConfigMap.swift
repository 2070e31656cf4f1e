// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

/// Values for anybody (core/v1).
public struct ConfigMap: KubeResource {
    /// Its kind, and where it is served.
    public static let resourceType = ResourceType(group: "", version: "v1", kind: "ConfigMap", plural: "configmaps")

    /// Name, labels, owners and so on.
    public var metadata = ObjectMeta()
    /// Values that are text.
    public var data: [String: String] = [:]
    /// Values that are not.
    public var binaryData: [String: Base64Bytes] = [:]
    /// Whether it can no more be changed.
    public var immutable: Bool?
    /// What this type has no fields for.
    public var unknownFields = UnknownFields()

    /// Creates an empty one.
    public init() {}

    /// Its fields.
    public mutating func visit(_ fields: inout FieldVisitor) throws(JSONError) {
        try fields.field("metadata", &metadata)
        try fields.field("data", &data)
        try fields.field("binaryData", &binaryData)
        try fields.field("immutable", &immutable)
    }
}
