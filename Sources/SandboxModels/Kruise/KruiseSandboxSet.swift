// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

public import KubeModels

/// Sandboxes that are kept ready to be claimed: `sandboxsets`, in short `sbs`.
public struct KruiseSandboxSet: KubeResource {
    /// Its kind, and where it is served.
    public static let resourceType = ResourceType(
        group: Kruise.group,
        version: Kruise.version,
        kind: "SandboxSet",
        plural: "sandboxsets"
    )

    /// Name, labels, owners and so on.
    public var metadata = ObjectMeta()
    /// What is wanted.
    public var spec = KruiseSandboxSetSpec()
    /// What there is; `nil` until somebody has looked.
    public var status: KruiseSandboxSetStatus?
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

/// What is wanted of a `KruiseSandboxSet`.
public struct KruiseSandboxSetSpec: JSONFields {
    /// How many sandboxes that nobody has claimed.
    public var replicas = 0
    /// What a pause does with the pod; `Stop` by default.
    public var pauseStrategy: KruisePauseStrategy?
    /// What a pause is to keep.
    public var persistentContents: [KruiseContent] = []
    /// What is put beside its containers, by name.
    public var runtimes: [KruiseRuntimeReference] = []
    /// The `SandboxTemplate` in the same namespace that its pods are made from, instead of `template`.
    public var templateRef: KruiseTemplateReference?
    /// The `PodTemplateSpec` of its pods. No schema checks it; see `podTemplate()`.
    public var template: RawJSON?
    /// Claims that are made for each sandbox, named `<claim>-<sandbox>`.
    public var volumeClaimTemplates: [RawJSON] = []
    /// How many may be missing while it grows.
    public var scaleStrategy: KruiseRollout?
    /// How many may be missing while those of an older template are replaced; 20% by default.
    public var updateStrategy: KruiseRollout?
    /// What this type has no fields for.
    public var unknownFields = UnknownFields()

    /// Creates an empty one.
    public init() {}

    /// Its fields.
    public mutating func visit(_ fields: inout FieldVisitor) throws(JSONError) {
        try fields.field("replicas", &replicas)
        try fields.field("pauseStrategy", &pauseStrategy)
        try fields.field("persistentContents", &persistentContents)
        try fields.field("runtimes", &runtimes)
        try fields.field("templateRef", &templateRef)
        try fields.field("template", &template)
        try fields.field("volumeClaimTemplates", &volumeClaimTemplates)
        try fields.field("scaleStrategy", &scaleStrategy)
        try fields.field("updateStrategy", &updateStrategy)
    }

    /// The template of its pods; `nil` if it has none.
    ///
    /// - Throws: `JSONError` if what is written there is no template of pods.
    public func podTemplate() throws(JSONError) -> PodTemplateSpec? {
        try template?.decoded(as: PodTemplateSpec.self)
    }
}

/// How many sandboxes of a set may be missing at the same time while it changes.
public struct KruiseRollout: JSONFields {
    /// A number or a percentage, rounded up.
    public var maxUnavailable: IntOrString?
    /// What this type has no fields for.
    public var unknownFields = UnknownFields()

    /// Creates an empty one.
    public init() {}

    /// Its fields.
    public mutating func visit(_ fields: inout FieldVisitor) throws(JSONError) {
        try fields.field("maxUnavailable", &maxUnavailable)
    }
}

/// What there is of a `KruiseSandboxSet`.
public struct KruiseSandboxSetStatus: JSONFields {
    /// The generation of the spec that this was found for.
    public var observedGeneration: Int?
    /// How many sandboxes there are that nobody has claimed.
    public var replicas = 0
    /// How many of them can be claimed.
    public var availableReplicas = 0
    /// Names the template that new sandboxes are made from.
    public var updateRevision: String?
    /// The `SandboxTemplate` that is in use.
    public var currentRevision: String?
    /// How many are of the present template.
    public var updatedReplicas: Int?
    /// How many of those can be claimed.
    public var updatedAvailableReplicas: Int?
    /// What is so, and what is not.
    public var conditions: [KubeModels.Condition] = []
    /// The labels of those that nobody has claimed, for the scale subresource.
    public var selector: String?
    /// What this type has no fields for.
    public var unknownFields = UnknownFields()

    /// Creates an empty one.
    public init() {}

    /// Its fields.
    public mutating func visit(_ fields: inout FieldVisitor) throws(JSONError) {
        try fields.field("observedGeneration", &observedGeneration)
        try fields.field("replicas", &replicas)
        try fields.field("availableReplicas", &availableReplicas)
        try fields.field("updateRevision", &updateRevision)
        try fields.field("currentRevision", &currentRevision)
        try fields.field("updatedReplicas", &updatedReplicas)
        try fields.field("updatedAvailableReplicas", &updatedAvailableReplicas)
        try fields.field("conditions", &conditions)
        try fields.field("selector", &selector)
    }
}
