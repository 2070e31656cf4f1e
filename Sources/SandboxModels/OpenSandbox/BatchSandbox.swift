// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

public import KubeModels

/// One or several sandboxes from one template, which run, are paused and resumed together: `batchsandboxes`, in short
/// `bsbx`.
public struct BatchSandbox: KubeResource {
    /// Its kind, and where it is served.
    public static let resourceType = ResourceType(
        group: OpenSandbox.group,
        version: OpenSandbox.version,
        kind: "BatchSandbox",
        plural: "batchsandboxes"
    )

    /// Name, labels, owners and so on.
    public var metadata = ObjectMeta()
    /// What is wanted.
    public var spec = BatchSandboxSpec()
    /// What there is; `nil` until somebody has looked.
    public var status: BatchSandboxStatus?
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

/// What is wanted of a `BatchSandbox`.
///
/// No schema checks templates and patches, so whoever may create an object can write anything there. They are kept as they
/// were written, and taken apart when they are needed: a broken one is the trouble of its own object only.
public struct BatchSandboxSpec: JSONFields {
    /// How many sandboxes; 1 by default.
    public var replicas = 1
    /// The pool whose pods are taken; none or empty for pods of its own, `*` for any pool that fits.
    public var poolRef: String?
    /// The `PodTemplateSpec` of its own pods. See `podTemplate()`.
    public var template: RawJSON?
    /// What differs in each pod, by index: strategic merge patches of the Pod object, not of the template.
    public var shardPatches: [RawJSON] = []
    /// When it is deleted by itself, if ever.
    public var expireTime: SpelledTime?
    /// The task that is run in each sandbox, a `TaskTemplate`. See `decodedTaskTemplate()`.
    public var taskTemplate: RawJSON?
    /// What differs in each task, by index: strategic merge patches of the task template.
    public var shardTaskPatches: [RawJSON] = []
    /// What happens to a pod when its task has ended; `Retain` by default.
    public var taskResourcePolicyWhenCompleted: TaskResourcePolicy?
    /// Whether it is to be paused. `nil` says nothing: what was wanted before still is.
    public var pause: Bool?
    /// What this type has no fields for.
    public var unknownFields = UnknownFields()

    /// Creates an empty one.
    public init() {}

    /// Its fields.
    public mutating func visit(_ fields: inout FieldVisitor) throws(JSONError) {
        try fields.field("replicas", &replicas)
        try fields.field("poolRef", &poolRef)
        try fields.field("template", &template)
        try fields.field("shardPatches", &shardPatches)
        try fields.field("expireTime", &expireTime)
        try fields.field("taskTemplate", &taskTemplate)
        try fields.field("shardTaskPatches", &shardTaskPatches)
        try fields.field("taskResourcePolicyWhenCompleted", &taskResourcePolicyWhenCompleted)
        try fields.field("pause", &pause)
    }

    /// The template of its own pods; `nil` if it has none.
    ///
    /// - Throws: `JSONError` if what is written there is no template of pods.
    public func podTemplate() throws(JSONError) -> PodTemplateSpec? {
        try template?.decoded(as: PodTemplateSpec.self)
    }

    /// The task that is run in each sandbox; `nil` if there is none.
    ///
    /// - Throws: `JSONError` if what is written there is no task.
    public func decodedTaskTemplate() throws(JSONError) -> TaskTemplate? {
        try taskTemplate?.decoded(as: TaskTemplate.self)
    }
}

/// What happens to a pod when its task has ended.
public struct TaskResourcePolicy: JSONWord {
    /// The word.
    public var rawValue: String

    /// Creates one from its word.
    public init(rawValue: String) { self.rawValue = rawValue }

    /// The pod stays.
    public static let retain = TaskResourcePolicy(rawValue: "Retain")
    /// The pod is given back.
    public static let release = TaskResourcePolicy(rawValue: "Release")

    /// All there are so far.
    public static let known: [TaskResourcePolicy] = [.retain, .release]
}
