// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

public import KubeModels

/// A task that is run in each sandbox of a `BatchSandbox` (`spec.taskTemplate`).
public struct TaskTemplate: JSONFields {
    /// What is run.
    public var spec = TaskSpec()
    /// What this type has no fields for.
    public var unknownFields = UnknownFields()

    /// Creates an empty one.
    public init() {}

    /// Its fields.
    public mutating func visit(_ fields: inout FieldVisitor) throws(JSONError) {
        try fields.field("spec", &spec)
    }
}

/// What a task runs, and for how long.
public struct TaskSpec: JSONFields {
    /// The process.
    public var process: TaskProcess?
    /// After how many seconds it fails if it still runs; `nil` for never. A shard's patch does not change it.
    public var timeoutSeconds: Int?
    /// What this type has no fields for.
    public var unknownFields = UnknownFields()

    /// Creates an empty one.
    public init() {}

    /// Its fields.
    public mutating func visit(_ fields: inout FieldVisitor) throws(JSONError) {
        try fields.field("process", &process)
        try fields.field("timeoutSeconds", &timeoutSeconds)
    }
}

/// A process that a task runs.
public struct TaskProcess: JSONFields {
    /// The program and its first arguments. There must be one.
    public var command: [String] = []
    /// Further arguments.
    public var args: [String] = []
    /// Environment variables, added to those of whatever runs it.
    public var env: [EnvVar] = []
    /// Where it begins.
    public var workingDir: String?
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
    }
}
