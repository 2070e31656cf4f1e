// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

public import KubeModels

/// A wish for sandboxes of a set, or for clones of a checkpoint: `sandboxclaims`, in short `sbc`.
public struct KruiseSandboxClaim: KubeResource {
    /// Its kind, and where it is served.
    public static let resourceType = ResourceType(
        group: Kruise.group,
        version: Kruise.version,
        kind: "SandboxClaim",
        plural: "sandboxclaims"
    )

    /// Name, labels, owners and so on.
    public var metadata = ObjectMeta()
    /// What is wanted.
    public var spec = KruiseSandboxClaimSpec()
    /// What there is; `nil` until somebody has looked.
    public var status: KruiseSandboxClaimStatus?
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

/// What is wanted of a `KruiseSandboxClaim`.
public struct KruiseSandboxClaimSpec: JSONFields {
    /// The `SandboxSet` or the `Checkpoint` in the same namespace.
    public var templateName = ""
    /// How many sandboxes; 1 by default.
    public var replicas: Int?
    /// When the sandboxes are deleted.
    public var shutdownTime: SpelledTime?
    /// When the sandboxes are paused by themselves.
    public var pauseTime: SpelledTime?
    /// How long to try, a Go duration; `1m` by default.
    public var claimTimeout: String?
    /// How long after its end the claim, not its sandboxes, is deleted, a Go duration; never if it is negative, `60m` by default.
    public var ttlAfterCompleted: String?
    /// Labels of the sandboxes and of their pods.
    public var labels: [String: String] = [:]
    /// Annotations of the sandboxes and of their pods.
    public var annotations: [String: String] = [:]
    /// Variables for the sandboxes' own agent.
    public var envVars: [String: String] = [:]
    /// An image or resources for the first container.
    public var inplaceUpdate: RawJSON?
    /// Volumes to mount.
    public var dynamicVolumesMount: [RawJSON] = []
    /// What is put beside its containers, by name.
    public var runtimes: [KruiseRuntimeReference] = []
    /// Whether sandboxes that do not come up stay.
    public var reserveFailedSandbox: Bool?
    /// Whether sandboxes are made when the set has none left; by default they are.
    public var createOnNoStock: Bool?
    /// How long a sandbox may take to be ready, a Go duration; `30s` by default.
    public var waitReadyTimeout: String?
    /// Whether the sandboxes' own agent is told nothing.
    public var skipInitRuntime: Bool?
    /// What this type has no fields for.
    public var unknownFields = UnknownFields()

    /// Creates an empty one.
    public init() {}

    /// Its fields.
    public mutating func visit(_ fields: inout FieldVisitor) throws(JSONError) {
        try fields.field("templateName", &templateName)
        try fields.field("replicas", &replicas)
        try fields.field("shutdownTime", &shutdownTime)
        try fields.field("pauseTime", &pauseTime)
        try fields.field("claimTimeout", &claimTimeout)
        try fields.field("ttlAfterCompleted", &ttlAfterCompleted)
        try fields.field("labels", &labels)
        try fields.field("annotations", &annotations)
        try fields.field("envVars", &envVars)
        try fields.field("inplaceUpdate", &inplaceUpdate)
        try fields.field("dynamicVolumesMount", &dynamicVolumesMount)
        try fields.field("runtimes", &runtimes)
        try fields.field("reserveFailedSandbox", &reserveFailedSandbox)
        try fields.field("createOnNoStock", &createOnNoStock)
        try fields.field("waitReadyTimeout", &waitReadyTimeout)
        try fields.field("skipInitRuntime", &skipInitRuntime)
    }
}

/// What there is of a `KruiseSandboxClaim`.
public struct KruiseSandboxClaimStatus: JSONFields {
    /// The generation of the spec that this was found for.
    public var observedGeneration: Int?
    /// Whether it still claims.
    public var phase: KruiseSandboxClaimPhase?
    /// How far it is.
    public var message: String?
    /// How many sandboxes it has.
    public var claimedReplicas = 0
    /// When it began.
    public var claimStartTime: Timestamp?
    /// When it ended.
    public var completionTime: Timestamp?
    /// `Completed` and `TimedOut`.
    public var conditions: [KubeModels.Condition] = []
    /// What this type has no fields for.
    public var unknownFields = UnknownFields()

    /// Creates an empty one.
    public init() {}

    /// Its fields.
    public mutating func visit(_ fields: inout FieldVisitor) throws(JSONError) {
        try fields.field("observedGeneration", &observedGeneration)
        try fields.field("phase", &phase)
        try fields.field("message", &message)
        try fields.field("claimedReplicas", &claimedReplicas)
        try fields.field("claimStartTime", &claimStartTime)
        try fields.field("completionTime", &completionTime)
        try fields.field("conditions", &conditions)
    }
}

/// Whether a `KruiseSandboxClaim` still claims.
public struct KruiseSandboxClaimPhase: JSONWord {
    /// The word.
    public var rawValue: String

    /// Creates one from its word.
    public init(rawValue: String) { self.rawValue = rawValue }

    /// It claims.
    public static let claiming = KruiseSandboxClaimPhase(rawValue: "Claiming")
    /// It has what it can get.
    public static let completed = KruiseSandboxClaimPhase(rawValue: "Completed")

    /// All there are so far.
    public static let known: [KruiseSandboxClaimPhase] = [.claiming, .completed]
}
