// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

/// What conditions a `BatchSandbox` can have: `status.conditions[].type`.
public enum BatchSandboxCondition: String, Sendable, Hashable, CaseIterable {
    /// It runs and can be used.
    case ready = "Ready"
    /// A transition is under way; the reason says which.
    case progressing = "Progressing"
    /// Only its artifact is left.
    case paused = "Paused"
    /// The last pause did not come about. Stays until the next attempt.
    case pauseFailed = "PauseFailed"
    /// The last resume did not come about. Stays until the next attempt.
    case resumeFailed = "ResumeFailed"
    /// Pods do not come up, or ended by themselves.
    case podFailed = "PodFailed"
    /// The pool has no pod to give yet. Upstream has it since after v0.2.0.
    case poolAllocationPending = "PoolAllocationPending"
    /// Something that it needs no more is still to be cleaned up. An addition.
    case cleaningUp = "CleaningUp"

    /// Whether upstream's schema of v0.2.0 takes it. It refuses a whole status with another one.
    public var isBaseline: Bool {
        switch self {
        case .ready, .progressing, .paused, .pauseFailed, .resumeFailed, .podFailed: true
        case .poolAllocationPending, .cleaningUp: false
        }
    }

    /// The reasons that upstream gives; clients may look for them.
    public enum Reason {
        /// `Progressing`: pods are being made (phase Pending).
        public static let creating = "Creating"
        /// `Ready`: a pod is ready (phase Succeed).
        public static let podsReady = "PodsReady"
        /// `Progressing`: it is being captured (phase Pausing).
        public static let pauseInProgress = "PauseInProgress"
        /// `Paused`: only its artifact is left (phase Paused).
        public static let paused = "Paused"
        /// `Progressing`: it is being brought back (phase Resuming).
        public static let resumeInProgress = "ResumeInProgress"
        /// `PauseFailed`: there is no replica, or there are more than may be paused.
        public static let unsupportedReplicas = "UnsupportedReplicas"
        /// `PauseFailed`: the snapshot failed, and the pod runs on.
        public static let snapshotFailed = "SnapshotFailed"
        /// `PauseFailed`: the snapshot failed, and the pod is gone.
        public static let podNotFound = "PodNotFound"
        /// `ResumeFailed`: there is no snapshot to resume from.
        public static let snapshotNotFound = "SnapshotNotFound"
        /// `ResumeFailed`: the snapshot has not succeeded.
        public static let snapshotNotReady = "SnapshotNotReady"
        /// `PodFailed`: what a waiting container says for which a pod counts as failed.
        public static let failedPods = [
            "CrashLoopBackOff", "ImagePullBackOff", "ErrImagePull", "CreateContainerConfigError",
        ]
    }
}
