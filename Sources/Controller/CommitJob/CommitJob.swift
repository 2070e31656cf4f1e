// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

public import SandboxModels
public import SnapshotProvider

/// One Job that captures containers of a pod on the pod's node.
///
/// Its pod has a container that captures and, for a pause, another that holds the freeze and outlives the first: see
/// `stasis-committer hold`. Everything that is needed to go on after a restart of the controller is in the Job itself.
public struct CommitJob: Sendable, Hashable {
    /// The names of the Job's containers.
    public enum ContainerName {
        /// Captures; its termination message is the result. Upstream reads it by this name, too.
        public static let commit = "commit"
        /// Holds the freeze.
        public static let hold = "hold"
    }

    static let task = "commit"

    /// What is to be captured.
    public var request: SnapshotRequest
    /// What it is for, which owns the Job.
    public var snapshot: SandboxSnapshot
    /// What all Jobs have in common.
    public var settings: CommitJobSettings

    /// Describes a Job.
    public init(request: SnapshotRequest, snapshot: SandboxSnapshot, settings: CommitJobSettings) {
        self.request = request
        self.snapshot = snapshot
        self.settings = settings
    }

    /// The Job's name, as it is documented.
    public var name: String { snapshot.commitJobName }
}
