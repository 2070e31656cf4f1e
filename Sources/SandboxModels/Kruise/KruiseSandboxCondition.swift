// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

/// What conditions a `KruiseSandbox` can have, with the reasons that upstream gives; clients may look for them.
public enum KruiseSandboxCondition: String, Sendable, Hashable, CaseIterable {
    /// Its pod is ready.
    case ready = "Ready"
    /// `True` once it is paused, `False` while it is being paused.
    case paused = "SandboxPaused"
    /// `True` once it was brought back, `False` while that is under way.
    case resumed = "SandboxResumed"
    /// Its own agent was told what it has to know.
    case runtimeInitialized = "RuntimeInitialized"
    /// Something that it needs no more is still to be cleaned up. An addition.
    case cleaningUp = "CleaningUp"

    /// The reasons.
    public enum Reason {
        /// `Ready`: its pod is, or is not.
        public static let podReady = "PodReady"
        /// `Ready`: a container does not start.
        public static let startContainerFailed = "StartContainerFailed"
        /// `Ready`: the API server refuses the pod.
        public static let podCreateFailed = "PodCreateFailed"
        /// `SandboxPaused`: somebody asked for it. `RuntimeInitialized`: its agent is still to be told.
        public static let pending = "Pending"
        /// `SandboxPaused`: it is being captured.
        public static let checkpointCreating = "CheckpointCreating"
        /// `SandboxPaused`: the capture did not come about, and it runs on.
        public static let checkpointFailed = "CheckpointFailed"
        /// `SandboxPaused`: it was captured, and its pod is being released.
        public static let checkpointSucceeded = "CheckpointSucceeded"
        /// `SandboxPaused`: it is paused, its pod was stopped.
        public static let stopPauseSucceed = "StopPauseSucceed"
        /// `SandboxPaused`: it is paused, its state was captured.
        public static let snapshotPauseSucceed = "SnapshotPauseSucceed"
        /// `SandboxResumed`: its pod is being made.
        public static let createPod = "CreatePod"
        /// `SandboxResumed`: its pod runs.
        public static let resumePod = "ResumePod"
        /// `RuntimeInitialized`: its agent was told.
        public static let succeeded = "Succeeded"
        /// `RuntimeInitialized`: its agent could not be told so far.
        public static let failed = "Failed"
    }
}
