// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

public import KubeModels

/// One sandbox with one pod of its name: `sandboxes`, in short `sbx`.
public struct KruiseSandbox: KubeResource {
    /// Its kind, and where it is served.
    public static let resourceType = ResourceType(
        group: Kruise.group,
        version: Kruise.version,
        kind: "Sandbox",
        plural: "sandboxes"
    )

    /// Name, labels, owners and so on.
    public var metadata = ObjectMeta()
    /// What is wanted.
    public var spec = KruiseSandboxSpec()
    /// What there is; `nil` until somebody has looked.
    public var status: KruiseSandboxStatus?
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

/// What is wanted of a `KruiseSandbox`.
public struct KruiseSandboxSpec: JSONFields {
    /// Whether it is to be paused.
    public var paused: Bool?
    /// What a pause does with the pod; `Stop` by default.
    public var pauseStrategy: KruisePauseStrategy?
    /// What a pause is to keep.
    public var persistentContents: [KruiseContent] = []
    /// When it is deleted, paused or not.
    public var shutdownTime: SpelledTime?
    /// When it is paused by itself.
    public var pauseTime: SpelledTime?
    /// What is put beside its containers, by name.
    public var runtimes: [KruiseRuntimeReference] = []
    /// Hooks of an upgrade. They are kept, not run.
    public var lifecycle: RawJSON?
    /// How a new template reaches a sandbox that runs. It is kept, not acted upon.
    public var upgradePolicy: RawJSON?
    /// The `SandboxTemplate` in the same namespace that its pods are made from, instead of `template`.
    public var templateRef: KruiseTemplateReference?
    /// The `PodTemplateSpec` of its pods. No schema checks it; see `podTemplate()`.
    public var template: RawJSON?
    /// Claims that are made for each sandbox, named `<claim>-<sandbox>`.
    public var volumeClaimTemplates: [RawJSON] = []
    /// What this type has no fields for.
    public var unknownFields = UnknownFields()

    /// Creates an empty one.
    public init() {}

    /// Its fields.
    public mutating func visit(_ fields: inout FieldVisitor) throws(JSONError) {
        try fields.field("paused", &paused)
        try fields.field("pauseStrategy", &pauseStrategy)
        try fields.field("persistentContents", &persistentContents)
        try fields.field("shutdownTime", &shutdownTime)
        try fields.field("pauseTime", &pauseTime)
        try fields.field("runtimes", &runtimes)
        try fields.field("lifecycle", &lifecycle)
        try fields.field("upgradePolicy", &upgradePolicy)
        try fields.field("templateRef", &templateRef)
        try fields.field("template", &template)
        try fields.field("volumeClaimTemplates", &volumeClaimTemplates)
    }

    /// The template of its pods; `nil` if it has none.
    ///
    /// - Throws: `JSONError` if what is written there is no template of pods.
    public func podTemplate() throws(JSONError) -> PodTemplateSpec? {
        try template?.decoded(as: PodTemplateSpec.self)
    }
}
