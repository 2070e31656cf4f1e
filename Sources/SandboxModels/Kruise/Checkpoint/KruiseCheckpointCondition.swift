// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

/// What conditions a `KruiseCheckpoint` can have. They are an addition; none that is `False` is kept.
public enum KruiseCheckpointCondition: String, Sendable, Hashable, CaseIterable {
    /// It can be used.
    case ready = "Ready"
    /// There is none.
    case failed = "Failed"
    /// Less was captured than was asked for.
    case degraded = "Degraded"
    /// What is written in `spec.ttlAfterFinished` is no duration, so it is not deleted by itself.
    case lifetimeIgnored = "LifetimeIgnored"

    /// The reasons.
    public enum Reason {
        /// `Ready`: it is durable and was verified.
        public static let checkpointSucceeded = "CheckpointSucceeded"
        /// `Degraded`: nobody saves the memory of processes here.
        public static let memoryNotCaptured = "MemoryNotCaptured"
        /// `Degraded`: what was asked for besides, nobody saves here.
        public static let contentsNotCaptured = "ContentsNotCaptured"
        /// `LifetimeIgnored`: it is no duration.
        public static let invalidDuration = "InvalidDuration"
        /// `Failed`: nothing says what is to be captured, or that contradicts itself.
        public static let invalidSource = "InvalidSource"
        /// `Failed`: there is no such sandbox.
        public static let sandboxNotFound = "SandboxNotFound"
        /// `Failed`: nothing that is listed can be captured.
        public static let invalidContents = "InvalidContents"
        /// `Failed`: only the memory of processes was asked for, which nobody saves here.
        public static let memoryNotSupported = "MemoryNotSupported"
        /// `Failed`: something of its name is in the way.
        public static let nameTaken = "NameTaken"
        /// `Failed`: what the sandbox is made from cannot be told.
        public static let templateUnreadable = "TemplateUnreadable"
        /// `Failed`: what the sandbox is made from is too large to be written down.
        public static let templateTooLarge = "TemplateTooLarge"
        /// `Failed`: its snapshot is gone.
        public static let snapshotGone = "SnapshotGone"
        /// `Failed`: its sandbox is gone.
        public static let sandboxGone = "SandboxGone"
        /// `Failed`: the sandbox is paused already.
        public static let sandboxPaused = "SandboxPaused"
        /// `Failed`: somebody had the sandbox run on that was to end.
        public static let endCancelled = "EndCancelled"
    }
}

/// A checkpoint that will not come about, whatever is tried again.
public struct KruiseCheckpointRefusal: Error, Hashable, CustomStringConvertible {
    /// Why.
    public var problem: Problem

    /// Creates a refusal.
    public init(_ problem: Problem) { self.problem = problem }

    /// Creates a refusal from its reason, of `KruiseCheckpointCondition.Reason`, and its message.
    public init(_ reason: String, _ message: String) { problem = Problem(reason, message) }

    /// Why, for people.
    public var description: String { "\(problem.reason): \(problem.message)" }
}
