// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

/// A pod of a sandbox that may run a task, and what its executor has answered.
public struct TaskPod: Sendable, Hashable {
    /// What an executor has answered.
    public enum Answer: Sendable, Hashable {
        /// It was not asked: the pod has no address yet.
        case notAsked
        /// It was asked and did not answer, or with what makes no sense.
        case silent
        /// These are its tasks.
        case tasks([ExecutorTask])
    }

    /// Its name.
    public var name: String
    /// Which pod of that name.
    public var uid: String
    /// Its place among the pods of the sandbox.
    public var place: Int
    /// Whether a task may be given to it: it runs, and is not being deleted.
    public var isAssignable: Bool
    /// What its executor has answered.
    public var answer: Answer

    /// Creates one.
    public init(name: String, uid: String, place: Int, isAssignable: Bool = true, answer: Answer = .notAsked) {
        self.name = name
        self.uid = uid
        self.place = place
        self.isAssignable = isAssignable
        self.answer = answer
    }
}

/// What is wanted of the tasks of a sandbox.
public enum TaskWish: Sendable, Hashable {
    /// Each is to run once.
    case run(releasesPods: Bool)
    /// None is to run: the sandbox is being paused, or deleted, or has no tasks any more.
    case stop
}

/// What an executor is to be told: its tasks from now on.
public struct TaskOrder: Sendable, Hashable {
    /// The pod whose executor it is.
    public var pod: TaskPod
    /// The place of the one task that it is to have; `nil` for none.
    public var task: Int?
}

/// A task that has just been found to have failed.
public struct TaskFailure: Sendable, Hashable {
    /// Its place.
    public var index: Int
    /// The pod that it ran on.
    public var pod: String
    /// How it has ended.
    public var ending: ExecutorProcessStatus.Terminated

    /// What happened, in a sentence.
    public func message(of task: String) -> String {
        let reason = ending.reason.map { " (\($0))" } ?? ""
        let said = ending.message.map { ": \($0)" } ?? ""
        return "Task \(task) on pod \(pod) ended with exit code \(ending.exitCode)\(reason)\(said)"
    }
}
