// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

public import KubeModels

/// One captured state of a sandbox, from which others can be made: `checkpoints`, in short `cp`.
public struct KruiseCheckpoint: KubeResource {
    /// Its kind, and where it is served.
    public static let resourceType = ResourceType(
        group: Kruise.group,
        version: Kruise.version,
        kind: "Checkpoint",
        plural: "checkpoints"
    )

    /// Name, labels, owners and so on.
    public var metadata = ObjectMeta()
    /// What is wanted.
    public var spec = KruiseCheckpointSpec()
    /// What there is; `nil` until somebody has looked.
    public var status: KruiseCheckpointStatus?
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

/// What is to be captured.
public struct KruiseCheckpointSpec: JSONFields {
    /// The sandbox, where the pod's name does not say it.
    public var sandboxName: String?
    /// The pod, which mostly has the name of its sandbox.
    public var podName: String?
    /// Whether the sandbox goes on afterwards; by default it does.
    public var keepRunning: Bool?
    /// What to capture; by default what the sandbox's own spec says, else all.
    public var persistentContents: [KruiseContent] = []
    /// How long after its end it is deleted, a Go duration or days such as `30d`; never by default.
    public var ttlAfterFinished: String?
    /// What this type has no fields for.
    public var unknownFields = UnknownFields()

    /// Creates an empty one.
    public init() {}

    /// Its fields.
    public mutating func visit(_ fields: inout FieldVisitor) throws(JSONError) {
        try fields.field("sandboxName", &sandboxName)
        try fields.field("podName", &podName)
        try fields.field("keepRunning", &keepRunning)
        try fields.field("persistentContents", &persistentContents)
        try fields.field("ttlAfterFinished", &ttlAfterFinished)
    }
}

/// What there is of a `KruiseCheckpoint`.
public struct KruiseCheckpointStatus: JSONFields {
    /// The generation of the spec that this was found for.
    public var observedGeneration: Int?
    /// How far it is.
    public var phase: KruiseCheckpointPhase?
    /// Why it failed, or how far it is.
    public var message: String?
    /// What sandboxes are made from, by this name; not empty once it has succeeded.
    public var checkpointId: String?
    /// When it succeeded or failed.
    public var completionTime: Timestamp?
    /// How the pod differs from its template, a strategic merge patch.
    public var podTemplateDelta: RawJSON?
    /// What is so, and what is not. An addition.
    public var conditions: [KubeModels.Condition] = []
    /// How far the capture is. An addition.
    public var progress: CaptureProgress?
    /// What was captured. An addition.
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
        try fields.field("checkpointId", &checkpointId)
        try fields.field("completionTime", &completionTime)
        try fields.field("podTemplateDelta", &podTemplateDelta)
        try fields.field("conditions", &conditions)
        try fields.field("progress", &progress)
        try fields.field("artifact", &artifact)
    }
}

/// How far a `KruiseCheckpoint` is.
public struct KruiseCheckpointPhase: JSONWord {
    /// The word.
    public var rawValue: String

    /// Creates one from its word.
    public init(rawValue: String) { self.rawValue = rawValue }

    /// Nobody has begun.
    public static let pending = KruiseCheckpointPhase(rawValue: "Pending")
    /// It is being captured.
    public static let creating = KruiseCheckpointPhase(rawValue: "Creating")
    /// It can be used.
    public static let succeeded = KruiseCheckpointPhase(rawValue: "Succeeded")
    /// It did not come about; the message says why.
    public static let failed = KruiseCheckpointPhase(rawValue: "Failed")
    /// It is being deleted.
    public static let terminating = KruiseCheckpointPhase(rawValue: "Terminating")

    /// All there are so far.
    public static let known: [KruiseCheckpointPhase] = [.pending, .creating, .succeeded, .failed, .terminating]
}
