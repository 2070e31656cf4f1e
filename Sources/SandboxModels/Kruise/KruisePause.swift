// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

public import KubeModels

/// What a pause does with the pod.
public struct KruisePauseStrategy: JSONFields {
    /// `Stop` or `Hibernate`; `Stop` by default.
    public var type: KruisePauseType?
    /// How it hibernates.
    public var hibernateStrategy: RawJSON?
    /// What this type has no fields for.
    public var unknownFields = UnknownFields()

    /// Creates an empty one.
    public init() {}

    /// Its fields.
    public mutating func visit(_ fields: inout FieldVisitor) throws(JSONError) {
        try fields.field("type", &type)
        try fields.field("hibernateStrategy", &hibernateStrategy)
    }
}

/// The ways to pause.
public struct KruisePauseType: JSONWord {
    /// The word.
    public var rawValue: String

    /// Creates one from its word.
    public init(rawValue: String) { self.rawValue = rawValue }

    /// The pod is released.
    public static let stop = KruisePauseType(rawValue: "Stop")
    /// The state of the pod is kept as well.
    public static let hibernate = KruisePauseType(rawValue: "Hibernate")

    /// All there are so far.
    public static let known: [KruisePauseType] = [.stop, .hibernate]
}

/// What a pause or a checkpoint can keep.
public struct KruiseContent: JSONWord {
    /// The word.
    public var rawValue: String

    /// Creates one from its word.
    public init(rawValue: String) { self.rawValue = rawValue }

    /// The address of the pod.
    public static let ip = KruiseContent(rawValue: "ip")
    /// The memory of its processes.
    public static let memory = KruiseContent(rawValue: "memory")
    /// What its containers have written.
    public static let filesystem = KruiseContent(rawValue: "filesystem")
    /// Its labels, annotations and resources alone.
    public static let podInfo = KruiseContent(rawValue: "podInfo")

    /// All there are so far.
    public static let known: [KruiseContent] = [.ip, .memory, .filesystem, .podInfo]
}

/// Something that is put beside the containers of a sandbox.
public struct KruiseRuntimeReference: JSONFields {
    /// Its name, such as `agent-runtime`.
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

/// Names the template of a sandbox.
public struct KruiseTemplateReference: JSONFields {
    /// Its name.
    public var name = ""
    /// Its kind; `SandboxTemplate` by default.
    public var kind: String?
    /// Its group and version.
    public var apiVersion: String?
    /// What this type has no fields for.
    public var unknownFields = UnknownFields()

    /// Creates an empty one.
    public init() {}

    /// Its fields.
    public mutating func visit(_ fields: inout FieldVisitor) throws(JSONError) {
        try fields.field("name", &name)
        try fields.field("kind", &kind)
        try fields.field("apiVersion", &apiVersion)
    }
}
