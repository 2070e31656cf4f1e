// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

/// What the kinds of the Kruise dialect have in common: the group that they are served in.
///
/// Its names are OpenKruise Agents' own, so that its clients need no change.
public enum Kruise {
    /// The API group.
    public static let group = "agents.kruise.io"
    /// The only version there is.
    public static let version = "v1alpha1"

    /// Names of finalizers.
    public enum Finalizer {
        /// On a `Sandbox` that is or was paused: its pod, freezes and images are to be cleaned up first.
        public static let sandbox = "agents.kruise.io/sandbox"
        /// On a `Checkpoint`: what it captured is to be deleted first.
        public static let checkpoint = "agents.kruise.io/checkpoint"
    }
}
