// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

/// Objects of one kind, or one page of them.
public struct KubeList<Item: KubeObject>: JSONFields {
    /// The state that the list tells of, and where it goes on.
    public var metadata = ListMeta()
    /// The objects.
    public var items: [Item] = []
    /// All the rest: `apiVersion` and `kind` of the list.
    public var unknownFields = UnknownFields()

    /// Creates an empty list.
    public init() {}

    /// Its fields.
    public mutating func visit(_ fields: inout FieldVisitor) throws(JSONError) {
        try fields.field("metadata", &metadata)
        try fields.field("items", &items)
    }
}
