// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

public import KubeModels

/// What sandboxes are made from: `sandboxtemplates`, in short `sbt`.
public struct KruiseSandboxTemplate: KubeResource {
    /// Its kind, and where it is served.
    public static let resourceType = ResourceType(
        group: Kruise.group,
        version: Kruise.version,
        kind: "SandboxTemplate",
        plural: "sandboxtemplates"
    )

    /// Name, labels, owners and so on.
    public var metadata = ObjectMeta()
    /// What is wanted.
    public var spec = KruiseSandboxTemplateSpec()
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

/// What a `KruiseSandboxTemplate` makes sandboxes from.
public struct KruiseSandboxTemplateSpec: JSONFields {
    /// The `PodTemplateSpec` of its pods. No schema checks it; see `podTemplate()`.
    public var template: RawJSON?
    /// Claims that are made for each sandbox, named `<claim>-<sandbox>`.
    public var volumeClaimTemplates: [RawJSON] = []
    /// What a pause is to keep.
    public var persistentContents: [KruiseContent] = []
    /// What is put beside its containers, by name.
    public var runtimes: [KruiseRuntimeReference] = []
    /// What a pause does with the pod. A set's own word counts more.
    public var pauseStrategy: KruisePauseStrategy?
    /// What this type has no fields for.
    public var unknownFields = UnknownFields()

    /// Creates an empty one.
    public init() {}

    /// Its fields.
    public mutating func visit(_ fields: inout FieldVisitor) throws(JSONError) {
        try fields.field("template", &template)
        try fields.field("volumeClaimTemplates", &volumeClaimTemplates)
        try fields.field("persistentContents", &persistentContents)
        try fields.field("runtimes", &runtimes)
        try fields.field("pauseStrategy", &pauseStrategy)
    }

    /// The template of its pods; `nil` if it has none.
    ///
    /// - Throws: `JSONError` if what is written there is no template of pods.
    public func podTemplate() throws(JSONError) -> PodTemplateSpec? {
        try template?.decoded(as: PodTemplateSpec.self)
    }
}
