// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

public import KubeModels

/// How a task is, in upstream's words.
public enum TaskState: String, Sendable, Hashable, CaseIterable {
    /// It runs.
    case running = "RUNNING"
    /// It has ended with exit code 0.
    case succeeded = "SUCCEED"
    /// It has ended with another exit code.
    case failed = "FAILED"
    /// Nobody has said.
    case unknown = "UNKNOWN"

    /// Whether it has ended, after which it is never run again but for a resume.
    public var isFinal: Bool { self == .succeeded || self == .failed }
}

extension ExecutorTask {
    /// How it is, by what its executor says.
    public var state: TaskState {
        if let terminated = processStatus?.terminated { return terminated.exitCode == 0 ? .succeeded : .failed }
        return processStatus?.running == nil ? .unknown : .running
    }
}

/// How many tasks of a sandbox there are in each state: the fields `task...` of its status.
public struct TaskCounts: Sendable, Hashable {
    /// Those that run.
    public var running = 0
    /// Those that have ended well.
    public var succeeded = 0
    /// Those that have failed.
    public var failed = 0
    /// Those of which nobody has said anything.
    public var unknown = 0
    /// Those that have no pod yet.
    public var pending = 0

    /// None.
    public init() {}

    /// What a status says.
    public init(_ status: BatchSandboxStatus) {
        running = status.taskRunning
        succeeded = status.taskSucceed
        failed = status.taskFailed
        unknown = status.taskUnknown
        pending = status.taskPending
    }

    /// All of them.
    public var total: Int { running + succeeded + failed + unknown + pending }

    /// Counts one more.
    mutating func add(_ state: TaskState) {
        switch state {
        case .running: running += 1
        case .succeeded: succeeded += 1
        case .failed: failed += 1
        case .unknown: unknown += 1
        }
    }

    /// The fields of a status that tell this, and no others.
    public var fields: [String: JSONValue] {
        [
            "taskRunning": .number(JSONNumber(running)), "taskSucceed": .number(JSONNumber(succeeded)),
            "taskFailed": .number(JSONNumber(failed)), "taskUnknown": .number(JSONNumber(unknown)),
            "taskPending": .number(JSONNumber(pending)),
        ]
    }
}
