// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

public import KubeModels

/// What there is of a `BatchSandbox`.
///
/// Fields that upstream's own schema does not have are marked as additions: that schema prunes them, so nothing that is
/// needed after a crash is only here.
public struct BatchSandboxStatus: JSONFields {
    /// The generation of the spec that this was found for.
    public var observedGeneration: Int?
    /// The generation whose `pause` was acted upon.
    public var pauseObservedGeneration: Int?
    /// Where it is in its life; `nil` until its first pod is there.
    public var phase: BatchSandboxPhase?
    /// How many pods there are.
    public var replicas = 0
    /// How many pods have a node or an address.
    public var allocated = 0
    /// How many pods are ready.
    public var ready = 0
    /// How many tasks run.
    public var taskRunning = 0
    /// How many tasks have ended well.
    public var taskSucceed = 0
    /// How many tasks have failed.
    public var taskFailed = 0
    /// How many tasks nobody knows about.
    public var taskUnknown = 0
    /// How many tasks have no pod yet.
    public var taskPending = 0
    /// What is `True` now. Upstream's clients take a condition that is there for true, so none that is `False` is kept.
    public var conditions: [KubeModels.Condition] = []
    /// What the last task that failed said. Upstream has it since after v0.2.0.
    public var taskLastErrorMessage: String?
    /// The pods because of which it failed. Upstream has it since after v0.2.0.
    public var failedPodUIDs: [String] = []
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
        try fields.field("pauseObservedGeneration", &pauseObservedGeneration)
        try fields.field("phase", &phase)
        try fields.field("replicas", &replicas)
        try fields.field("allocated", &allocated)
        try fields.field("ready", &ready)
        try fields.field("taskRunning", &taskRunning)
        try fields.field("taskSucceed", &taskSucceed)
        try fields.field("taskFailed", &taskFailed)
        try fields.field("taskUnknown", &taskUnknown)
        try fields.field("taskPending", &taskPending)
        try fields.field("conditions", &conditions)
        try fields.field("taskLastErrorMessage", &taskLastErrorMessage)
        try fields.field("failedPodUIDs", &failedPodUIDs)
        try fields.field("progress", &progress)
        try fields.field("artifact", &artifact)
    }
}

/// Where a `BatchSandbox` is in its life, in upstream's words. There are no others: its schema refuses a status with one.
public struct BatchSandboxPhase: JSONWord {
    /// The word.
    public var rawValue: String

    /// Creates one from its word.
    public init(rawValue: String) { self.rawValue = rawValue }

    /// Its pods are being made.
    public static let pending = BatchSandboxPhase(rawValue: "Pending")
    /// It runs.
    public static let succeed = BatchSandboxPhase(rawValue: "Succeed")
    /// It is being captured.
    public static let pausing = BatchSandboxPhase(rawValue: "Pausing")
    /// Only its artifact is left.
    public static let paused = BatchSandboxPhase(rawValue: "Paused")
    /// Its pods are being made from its artifact.
    public static let resuming = BatchSandboxPhase(rawValue: "Resuming")
    /// Something went wrong; the conditions say what.
    public static let failed = BatchSandboxPhase(rawValue: "Failed")

    /// All there are so far.
    public static let known: [BatchSandboxPhase] = [.pending, .succeed, .pausing, .paused, .resuming, .failed]
}
