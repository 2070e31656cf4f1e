// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

public import KubeModels

/// What there is of a `KruiseSandbox`.
///
/// Fields that upstream's own schema does not have are marked as additions: that schema prunes them.
public struct KruiseSandboxStatus: JSONFields {
    /// The generation of the spec that this was found for.
    public var observedGeneration: Int?
    /// Where it is in its life.
    public var phase: KruiseSandboxPhase?
    /// What there is to say about the phase.
    public var message: String?
    /// What is so, and what is not; see `KruiseSandboxCondition`.
    public var conditions: [KubeModels.Condition] = []
    /// Its pod.
    public var podInfo: KruisePodInfo?
    /// The node of its pod.
    public var nodeName: String?
    /// The address of its pod.
    public var sandboxIp: String?
    /// Names the template that its pod was made from.
    public var updateRevision: String?
    /// How often it went back to its set.
    public var recycledCount: Int?
    /// How far a pause is, while there is one. An addition.
    public var progress: CaptureProgress?
    /// What a resume starts from. An addition.
    public var artifact: ArtifactSummary?
    /// What this type has no fields for.
    public var unknownFields = UnknownFields()

    /// Creates an empty one.
    public init() {}

    /// Its fields.
    public mutating func visit(_ fields: inout FieldVisitor) throws(JSONError) {
        try fields.field("observedGeneration", &observedGeneration)
        try fields.field("phase", &phase)
        try fields.field("message", &message)
        try fields.field("conditions", &conditions)
        try fields.field("podInfo", &podInfo)
        try fields.field("nodeName", &nodeName)
        try fields.field("sandboxIp", &sandboxIp)
        try fields.field("updateRevision", &updateRevision)
        try fields.field("recycledCount", &recycledCount)
        try fields.field("progress", &progress)
        try fields.field("artifact", &artifact)
    }
}

/// The pod of a sandbox.
public struct KruisePodInfo: JSONFields {
    /// Its annotations that a resume keeps.
    public var annotations: [String: String] = [:]
    /// Its labels that a resume keeps.
    public var labels: [String: String] = [:]
    /// Its node.
    public var nodeName: String?
    /// Its address.
    public var podIP: String?
    /// Its UID.
    public var podUID: String?
    /// What this type has no fields for.
    public var unknownFields = UnknownFields()

    /// Creates an empty one.
    public init() {}

    /// Its fields.
    public mutating func visit(_ fields: inout FieldVisitor) throws(JSONError) {
        try fields.field("annotations", &annotations)
        try fields.field("labels", &labels)
        try fields.field("nodeName", &nodeName)
        try fields.field("podIP", &podIP)
        try fields.field("podUID", &podUID)
    }
}

/// Where a `KruiseSandbox` is in its life.
public struct KruiseSandboxPhase: JSONWord {
    /// The word.
    public var rawValue: String

    /// Creates one from its word.
    public init(rawValue: String) { self.rawValue = rawValue }

    /// Its pod is being made.
    public static let pending = KruiseSandboxPhase(rawValue: "Pending")
    /// It runs.
    public static let running = KruiseSandboxPhase(rawValue: "Running")
    /// It is being paused, or is; the condition `SandboxPaused` says which.
    public static let paused = KruiseSandboxPhase(rawValue: "Paused")
    /// It is being brought back.
    public static let resuming = KruiseSandboxPhase(rawValue: "Resuming")
    /// Its pod is being replaced by one of another template.
    public static let upgrading = KruiseSandboxPhase(rawValue: "Upgrading")
    /// Its pod ended well.
    public static let succeeded = KruiseSandboxPhase(rawValue: "Succeeded")
    /// Its pod is gone or ended badly.
    public static let failed = KruiseSandboxPhase(rawValue: "Failed")
    /// It goes back to its set.
    public static let recycling = KruiseSandboxPhase(rawValue: "Recycling")
    /// It is being deleted.
    public static let terminating = KruiseSandboxPhase(rawValue: "Terminating")

    /// All there are so far.
    public static let known: [KruiseSandboxPhase] = [
        .pending, .running, .paused, .resuming, .upgrading, .succeeded, .failed, .recycling, .terminating,
    ]
}
