// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

/// What conditions a `KruiseSandboxClaim` can have, with their reasons.
public enum KruiseSandboxClaimCondition: String, Sendable, Hashable, CaseIterable {
    /// It claims no more.
    case completed = "Completed"
    /// It had no more time.
    case timedOut = "TimedOut"
    /// Its `replicas` was changed, which counts for nothing. An addition.
    case replicasImmutable = "ReplicasImmutable"

    /// The reasons.
    public enum Reason {
        /// `Completed`: it has all that it wanted.
        public static let allReplicasClaimed = "AllReplicasClaimed"
        /// `Completed`: there is neither a set nor a checkpoint of the name.
        public static let sandboxSetNotFound = "SandboxSetNotFound"
        /// `Completed`: it had no more time.
        public static let timeoutReached = "TimeoutReached"
        /// `Completed`: it wants something that this version does not do.
        public static let featureGateDisabled = "FeatureGateDisabled"
        /// `Completed`: it wants something that cannot be. An addition.
        public static let invalidClaim = "InvalidClaim"
        /// `Completed`: it wants something that is not done here. An addition.
        public static let unsupportedClaim = "UnsupportedClaim"
        /// `Completed`: nothing can be made of the checkpoint. An addition.
        public static let checkpointNotUsable = "CheckpointNotUsable"
        /// `ReplicasImmutable`: what is written there now is not what it began with. An addition.
        public static let replicasChanged = "ReplicasChanged"
        /// `TimedOut`: it had no more time.
        public static let claimTimeoutReached = "ClaimTimeoutReached"
    }
}
