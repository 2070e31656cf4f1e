// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

/// What the kinds of the AgentSandbox dialect have in common: the groups that they are served in.
///
/// They are upstream's (kubernetes-sigs/agent-sandbox), whose own controller runs beside this one: it makes the pods and alone writes the
/// status. What a sandbox is asked for here, and what came of it, stands in annotations.
public enum AgentSandboxes {
    /// The API group of Sandboxes.
    public static let group = "agents.x-k8s.io"
    /// The API group of SandboxTemplates and SandboxClaims.
    public static let extensionGroup = "extensions.agents.x-k8s.io"

    /// The versions that upstream serves, the newest first.
    public enum Version: String, Sendable, Hashable, CaseIterable {
        /// Whether a Sandbox runs is its `spec.operatingMode`.
        case v1beta1
        /// Whether a Sandbox runs is its `spec.replicas`, 0 or 1.
        case v1alpha1
    }

    /// Keys of annotations. None is under upstream's own prefixes, which it reserves.
    public enum Annotation {
        // MARK: Written by people

        /// On a `Sandbox`: `true` has it suspended with a snapshot, `false` has it run. The controller puts it right when it comes
        /// to something else, so that to write the same once more is to ask once more.
        public static let suspend = "stasis.dev/suspend"
        /// On a `Sandbox` that was created with `operatingMode: Suspended`: the `SandboxSnapshot` that it starts from, `name` or
        /// `namespace/name`.
        public static let restoreFrom = "stasis.dev/restore-from"
        /// On a `SandboxSnapshot`: the other namespaces in which it may be restored, with commas between them; `*` for all.
        public static let restoreInto = "stasis.dev/restore-into"

        // MARK: Written by the controller

        /// On a `Sandbox`: where it is, an `AgentSandboxState`.
        public static let state = "stasis.dev/state"
        /// On a `Sandbox`: what there is to say about that.
        public static let message = "stasis.dev/message"
        /// On a `Sandbox`: the images that its template named before the first snapshot took their place, by container, in JSON.
        public static let originalImages = "stasis.dev/original-images"
        /// On a `Sandbox`: what the controller remembers beside its record, `AgentSandboxNotes`.
        public static let notes = "stasis.dev/agent-sandbox"
    }

    /// Keeps a `Sandbox` until its freezes and images are cleaned up.
    public static let cleanupFinalizer = OpenSandbox.Finalizer.sandboxCleanup
}
