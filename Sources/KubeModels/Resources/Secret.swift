// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

/// Values that not everybody may read (core/v1).
public struct Secret: KubeResource {
    /// Its kind, and where it is served.
    public static let resourceType = ResourceType(group: "", version: "v1", kind: "Secret", plural: "secrets")

    /// Name, labels, owners and so on.
    public var metadata = ObjectMeta()
    /// What it is for, such as `kubernetes.io/dockerconfigjson`; `Opaque` by default.
    public var type: String?
    /// The values.
    public var data: [String: Base64Bytes] = [:]
    /// Values to write as text. They are never read.
    public var stringData: [String: String] = [:]
    /// Whether it can no more be changed.
    public var immutable: Bool?
    /// What this type has no fields for.
    public var unknownFields = UnknownFields()

    /// Creates an empty one.
    public init() {}

    /// Its fields.
    public mutating func visit(_ fields: inout FieldVisitor) throws(JSONError) {
        try fields.field("metadata", &metadata)
        try fields.field("type", &type)
        try fields.field("data", &data)
        try fields.field("stringData", &stringData)
        try fields.field("immutable", &immutable)
    }
}
