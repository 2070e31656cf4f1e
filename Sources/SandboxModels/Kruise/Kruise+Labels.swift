// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

extension Kruise {
    /// Keys of labels.
    public enum Label {
        /// On a `Sandbox`: the set that it was made for.
        public static let sandboxPool = "agents.kruise.io/sandbox-pool"
        /// On a `Sandbox`: the set, the template or the checkpoint that it was made from.
        public static let sandboxTemplate = "agents.kruise.io/sandbox-template"
        /// On a `Sandbox`: `true` once somebody has claimed it, `false` before.
        public static let sandboxClaimed = "agents.kruise.io/sandbox-claimed"
        /// On a `Sandbox`: the claim that has it.
        public static let claimName = "agents.kruise.io/claim-name"
        /// On a `Sandbox` of a set: the revision of its template.
        public static let templateHash = "agents.kruise.io/template-hash"
        /// On a `Sandbox`: `true` if it did not come up and was kept for whoever wants to see why.
        public static let reservedFailedSandbox = "agents.kruise.io/reserved-failed-sandbox"
        /// On a pod or a `Checkpoint`: the name of its `Sandbox`.
        public static let sandboxName = "agents.kruise.io/sandbox-name"
        /// On a `Sandbox`: its identifier in the API, if that is not made of its names.
        public static let sandboxID = "agents.kruise.io/sandbox-id"
        /// On a `Checkpoint`: what it captured, sorted and joined by hyphens.
        public static let checkpointType = "agents.kruise.io/checkpoint-type"
        /// On a `Checkpoint`: its identifier.
        public static let checkpointID = "agents.kruise.io/checkpoint-id"
        /// On a `Checkpoint`: the API key that it belongs to.
        public static let owner = "agents.kruise.io/owner"
        /// On a pod: `sandbox`.
        public static let createdBy = "agents.kruise.io/created-by"
    }
}
