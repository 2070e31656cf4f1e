// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

extension Kruise {
    /// Keys of annotations.
    public enum Annotation {
        /// On a `Sandbox`: who took it from its set. It is there as long as it is taken.
        public static let lock = "agents.kruise.io/lock"
        /// On a `Sandbox` or a `Checkpoint`: the API key or the claim that it belongs to.
        public static let owner = "agents.kruise.io/owner"
        /// On a `Sandbox`: when it was claimed, as RFC 3339.
        public static let claimTimestamp = "agents.kruise.io/claim-timestamp"
        /// On a `Sandbox` that is a clone: the checkpoint that it was made from.
        public static let restoreFrom = "agents.kruise.io/restore-from"
        /// On a `Sandbox` or a `Checkpoint`: what its own agent is told, in JSON.
        public static let initRuntimeRequest = "agents.kruise.io/init-runtime-request"
        /// On a `Checkpoint`: the sandbox that it is of, by the API's identifier.
        public static let sandboxID = "agents.kruise.io/sandbox-id"
        /// On a `Sandbox`: for how long it is kept once its timeout has paused it, `forever` or a Go duration.
        public static let reservePausedSandboxDuration = "agents.kruise.io/reserve-paused-sandbox-duration"
        /// On a `Sandbox`: the metadata that its claim changed, in JSON.
        public static let updatedMetadataInClaim = "agents.kruise.io/updated-metadata-in-claim"
        /// On a `SandboxTemplate` that its set needs no more.
        public static let cleanupCandidate = "agents.kruise.io/cleanup-candidate"
        /// On a `Sandbox`: which go first when there is no room; 0 by default.
        public static let sandboxPriority = "agents.kruise.io/sandbox-priority"
        /// On a `Sandbox`: the token of its own agent.
        public static let runtimeAccessToken = "agents.kruise.io/runtime-access-token"
        /// On a `Sandbox`: where its own agent listens. Only the port counts.
        public static let runtimeURL = "agents.kruise.io/runtime-url"
        /// On a `Sandbox`: `true` if its own agent is told nothing. Our own.
        public static let skipsRuntime = "stasis.dev/skip-init-runtime"
        /// On a `Sandbox`: a hash of that which cannot be changed in place.
        public static let hashImmutablePart = "sandbox.agents.kruise.io/hash-immutable-part"
    }

    /// The value of the owner annotation while a set takes its own sandboxes away.
    public static let scaleDownOwner = "__manager_scale_down"

    /// The beginnings of keys that users may not use.
    public static let reservedPrefixes = ["agents.kruise.io/", "e2b.agents.kruise.io/"]
}
