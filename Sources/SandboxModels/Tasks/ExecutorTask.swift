// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

public import KubeModels

/// A task as a task executor is told of it, and tells of it: one element of the bodies of `/setTasks` and `/getTasks`.
///
/// The names are those of OpenSandbox's protocol (`kubernetes/pkg/task-executor`), whose executors and controllers this speaks
/// with.
public struct ExecutorTask: JSONFields {
    /// Which one: `<batchsandbox>-<index>`.
    public var name = ""
    /// When it was asked to end; `nil` if it was not.
    public var deletionTimestamp: Timestamp?
    /// What it runs.
    public var process: ExecutorProcess?
    /// A pod to run in place of a process. No executor can do that yet.
    public var podTemplateSpec: RawJSON?
    /// How far the process is.
    public var processStatus: ExecutorProcessStatus?
    /// How far the pod is.
    public var podStatus: RawJSON?
    /// What this type has no fields for.
    public var unknownFields = UnknownFields()

    /// Creates an empty one.
    public init() {}

    /// Its fields.
    public mutating func visit(_ fields: inout FieldVisitor) throws(JSONError) {
        try fields.field("name", &name)
        try fields.field("deletionTimestamp", &deletionTimestamp)
        try fields.field("process", &process)
        try fields.field("podTemplateSpec", &podTemplateSpec)
        try fields.field("processStatus", &processStatus)
        try fields.field("podStatus", &podStatus)
    }
}

/// What a task executor runs for a task.
public struct ExecutorProcess: JSONFields {
    /// The program and its first arguments.
    public var command: [String] = []
    /// Further arguments.
    public var args: [String] = []
    /// Environment variables, added to those that the executor has.
    public var env: [EnvVar] = []
    /// Where it begins; `nil` for where the executor does.
    public var workingDir: String?
    /// After how many seconds it fails if it still runs; `nil` for never.
    public var timeoutSeconds: Int?
    /// What this type has no fields for.
    public var unknownFields = UnknownFields()

    /// Creates an empty one.
    public init() {}

    /// Its fields.
    public mutating func visit(_ fields: inout FieldVisitor) throws(JSONError) {
        try fields.field("command", &command)
        try fields.field("args", &args)
        try fields.field("env", &env)
        try fields.field("workingDir", &workingDir)
        try fields.field("timeoutSeconds", &timeoutSeconds)
    }
}
