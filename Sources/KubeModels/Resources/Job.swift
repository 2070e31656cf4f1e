// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

/// Pods that run until they have succeeded (batch/v1).
public struct Job: KubeResource {
    /// Its kind, and where it is served.
    public static let resourceType = ResourceType(group: "batch", version: "v1", kind: "Job", plural: "jobs")

    /// Name, labels, owners and so on.
    public var metadata = ObjectMeta()
    /// What shall run.
    public var spec = JobSpec()
    /// What runs.
    public var status: JobStatus?
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

/// What a job shall run.
public struct JobSpec: JSONFields {
    /// What its pods are made from.
    public var template = PodTemplateSpec()
    /// How many pods run at the same time; 1 by default.
    public var parallelism: Int?
    /// How many pods must succeed; 1 by default.
    public var completions: Int?
    /// How often pods may fail; 6 by default.
    public var backoffLimit: Int?
    /// After how many seconds it fails if it still runs.
    public var activeDeadlineSeconds: Int?
    /// After how many seconds it is deleted when it is finished; `nil` for never.
    public var ttlSecondsAfterFinished: Int?
    /// Whether it has no pods for now. API servers before 1.21 do not know it.
    public var suspend: Bool?
    /// What this type has no fields for.
    public var unknownFields = UnknownFields()

    /// Creates an empty one.
    public init() {}

    /// Its fields.
    public mutating func visit(_ fields: inout FieldVisitor) throws(JSONError) {
        try fields.field("template", &template)
        try fields.field("parallelism", &parallelism)
        try fields.field("completions", &completions)
        try fields.field("backoffLimit", &backoffLimit)
        try fields.field("activeDeadlineSeconds", &activeDeadlineSeconds)
        try fields.field("ttlSecondsAfterFinished", &ttlSecondsAfterFinished)
        try fields.field("suspend", &suspend)
    }
}

/// What a job does.
public struct JobStatus: JSONFields {
    /// `Complete`, `Failed` and others.
    public var conditions: [Condition] = []
    /// When it began.
    public var startTime: Timestamp?
    /// When it succeeded.
    public var completionTime: Timestamp?
    /// How many pods run.
    public var active: Int?
    /// How many pods have succeeded.
    public var succeeded: Int?
    /// How many pods have failed.
    public var failed: Int?
    /// What this type has no fields for.
    public var unknownFields = UnknownFields()

    /// Creates an empty one.
    public init() {}

    /// Its fields.
    public mutating func visit(_ fields: inout FieldVisitor) throws(JSONError) {
        try fields.field("conditions", &conditions)
        try fields.field("startTime", &startTime)
        try fields.field("completionTime", &completionTime)
        try fields.field("active", &active)
        try fields.field("succeeded", &succeeded)
        try fields.field("failed", &failed)
    }
}
