// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

/// An object of the Kubernetes API.
public protocol KubeObject: JSONFields {
    /// What every object has: its name, labels, owners and so on.
    var metadata: ObjectMeta { get set }
}

/// An object of the Kubernetes API whose type is known when the program is built.
///
/// A custom resource takes a few lines:
///
/// ```swift
/// struct Widget: KubeResource {
///     static let resourceType = ResourceType(group: "example.com", version: "v1", kind: "Widget", plural: "widgets")
///
///     var metadata = ObjectMeta()
///     var spec = WidgetSpec()
///     var unknownFields = UnknownFields()
///
///     mutating func visit(_ fields: inout FieldVisitor) throws(JSONError) {
///         try fields.field("metadata", &metadata)
///         try fields.field("spec", &spec)
///     }
/// }
/// ```
///
/// `apiVersion` and `kind` are no fields: they are written as the type says, and what is read must not say otherwise.
public protocol KubeResource: KubeObject {
    /// Its kind, and where the API server serves it.
    static var resourceType: ResourceType { get }
}

extension KubeResource {
    /// Reads an object.
    ///
    /// - Throws: `JSONError`, also if it says that it is of another kind or version. It may say nothing, as the objects in
    ///   lists do.
    public init(from reader: inout JSONReader) throws(JSONError) {
        self.init()
        try readMembers(from: &reader, as: Self.self)
    }

    /// Writes an object, with its apiVersion and kind.
    public func write(to writer: inout JSONWriter) {
        writer.beginObject()
        writer.key("apiVersion")
        writer.write(Self.resourceType.apiVersion)
        writer.key("kind")
        writer.write(Self.resourceType.kind)
        writeMembers(to: &writer)
        writer.endObject()
    }

    /// A reference that makes this object the controller of another one, which is deleted when this one is.
    ///
    /// - Parameter blockOwnerDeletion: whether a foreground deletion of this one waits for the other.
    public func controllerReference(blockOwnerDeletion: Bool = true) -> OwnerReference {
        OwnerReference.with {
            $0.apiVersion = Self.resourceType.apiVersion
            $0.kind = Self.resourceType.kind
            $0.name = metadata.name
            $0.uid = metadata.uid ?? ""
            $0.controller = true
            $0.blockOwnerDeletion = blockOwnerDeletion
        }
    }

    /// A reference for events and messages.
    public var objectReference: ObjectReference {
        ObjectReference.with {
            $0.apiVersion = Self.resourceType.apiVersion
            $0.kind = Self.resourceType.kind
            $0.namespace = metadata.namespace
            $0.name = metadata.name
            $0.uid = metadata.uid
            $0.resourceVersion = metadata.resourceVersion
        }
    }
}

/// An object whose type is known only when the program runs. Besides its metadata it is not taken apart.
public struct DynamicObject: KubeObject {
    /// Group and version.
    public var apiVersion = ""
    /// The kind.
    public var kind = ""
    /// What every object has.
    public var metadata = ObjectMeta()
    /// All the rest, such as `spec` and `status`.
    public var unknownFields = UnknownFields()

    /// Creates an empty object.
    public init() {}

    /// Creates an object of a type.
    public init(_ type: ResourceType, name: String, namespace: String? = nil) {
        apiVersion = type.apiVersion
        kind = type.kind
        metadata.name = name
        metadata.namespace = namespace
    }

    /// Its fields.
    public mutating func visit(_ fields: inout FieldVisitor) throws(JSONError) {
        try fields.field("apiVersion", &apiVersion)
        try fields.field("kind", &kind)
        try fields.field("metadata", &metadata)
    }

    /// A member beside the metadata, such as `spec`, as a tree; `nil` if there is none.
    ///
    /// What is set replaces the whole of it.
    public subscript(name: String) -> JSONValue? {
        get {
            // What was read is JSON.
            unknownFields[name].flatMap { try? $0.decoded() }
        }
        set { unknownFields[name] = newValue.map { RawJSON($0) } }
    }
}
