// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

public import SandboxModels

/// What a controller of sandboxes is told by whoever runs it.
public struct SandboxControllerSettings: Sendable, Hashable {
    /// Where snapshots go: a registry's host, port and folder (`--snapshot-registry`). Without it nothing can be paused.
    public var registry = ""
    /// The Secret with which the nodes pull snapshots (`--resume-pull-secret`), in the sandbox's namespace.
    public var pullSecret: String?
    /// What becomes of the images of a SandboxSnapshot that is deleted and does not say itself.
    public var snapshotDeletePolicy = SnapshotDeletePolicy.retain
    /// How long a pause, a resume or a snapshot may take.
    public var policy = LifecyclePolicy(resumeTimeout: 600)

    /// Creates the defaults.
    public init() {}
}
