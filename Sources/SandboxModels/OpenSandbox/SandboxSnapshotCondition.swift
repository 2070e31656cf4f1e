// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

/// What conditions a `SandboxSnapshot` can have: `status.conditions[].type`.
public enum SandboxSnapshotCondition: String, Sendable, Hashable, CaseIterable {
    /// It is durable and was verified.
    case ready = "Ready"
    /// There is none.
    case failed = "Failed"
    /// Whether its images were in the registry when they were last looked for. An addition.
    case artifactAvailable = "ArtifactAvailable"

    /// The reasons that upstream gives; clients may look for them.
    public enum Reason {
        /// `Ready`: it can be restored.
        public static let snapshotReady = "SnapshotReady"
        /// `Failed`: the controller was given no registry.
        public static let registryNotConfigured = "RegistryNotConfigured"
        /// `Failed`: the `BatchSandbox` does not exist, or could not be read.
        public static let batchSandboxLookupFailed = "BatchSandboxLookupFailed"
        /// `Failed`: no pod of the sandbox runs.
        public static let sourcePodNotFound = "SourcePodNotFound"
        /// `Failed`: there is no container to capture.
        public static let noContainers = "NoContainers"
        /// `Failed`: the Job could not be put together.
        public static let buildCommitJobFailed = "BuildCommitJobFailed"
        /// `Failed`: the Job failed.
        public static let commitJobFailed = "CommitJobFailed"
        /// `ArtifactAvailable`: every manifest and blob was there.
        public static let artifactVerified = "ArtifactVerified"
        /// `ArtifactAvailable`: something was missing, or is not what was stored.
        public static let artifactMissing = "ArtifactMissing"
    }
}
