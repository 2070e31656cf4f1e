// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

/// What conditions a `KruiseSandboxClaim` can have, with their reasons.
public enum KruiseSandboxClaimCondition: String, Sendable, Hashable, CaseIterable {
    /// It claims no more.
    case completed = "Completed"
    /// It had no more time.
    case timedOut = "TimedOut"

    /// The reasons.
    public enum Reason {
        /// `Completed`: it has all that it wanted.
        public static let allReplicasClaimed = "AllReplicasClaimed"
        /// `Completed`: there is neither a set nor a checkpoint of the name.
        public static let sandboxSetNotFound = "SandboxSetNotFound"
        /// `Completed`: it had no more time.
        public static let timeoutReached = "TimeoutReached"
        /// `TimedOut`: it had no more time.
        public static let claimTimeoutReached = "ClaimTimeoutReached"
    }
}
