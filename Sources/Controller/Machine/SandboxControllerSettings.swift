// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

public import SandboxModels
public import SnapshotProvider

/// What a controller of sandboxes is told by whoever runs it.
public struct SandboxControllerSettings: Sendable, Hashable {
    /// The kinds that are worked on. BatchSandboxes always are.
    public var dialects: Set<SandboxDialect> = [.openSandbox]
    /// In which version the Sandboxes of the AgentSandbox dialect are read and written.
    public var agentSandboxVersion = AgentSandboxes.Version.v1beta1
    /// Where snapshots go: a registry's host, port and folder (`--snapshot-registry`). Without it nothing can be paused.
    public var registry = ""
    /// The Secret with which the nodes pull snapshots (`--resume-pull-secret`), in the sandbox's namespace.
    public var pullSecret: String?
    /// What becomes of the images of a SandboxSnapshot, or of the pauses of a BatchSandbox, that is deleted and does not say itself.
    public var snapshotDeletePolicy = SnapshotDeletePolicy.retain
    /// How many images of its pauses a sandbox keeps.
    public var retention = RetentionPolicy()
    /// Seconds between two looks whether a snapshot's images are still in the registry; nil for never.
    public var artifactCheckInterval: Double? = 3600
    /// What images of snapshots tell of their containers' environment.
    public var snapshotEnvironment = EnvironmentDetail.names
    /// How pools are worked on.
    public var pools = PoolSettings()
    /// How the Kruise dialect is worked on.
    public var kruise = KruiseSettings()
    /// How long a pause, a resume or a snapshot may take, and of how many replicas a pause may be.
    public var policy = LifecyclePolicy(resumeTimeout: 600, maximumPauseReplicas: 1)

    /// The namespace that the controller runs in, where its ConfigMaps are; nil for that of its client.
    public var ownNamespace: String?
    /// Where the task executors in the sandboxes' pods listen.
    public var taskExecutorPort = 5758
    /// For how many seconds a pause waits until the tasks are stopped; then it fails.
    public var taskStopTimeout: Double = 60

    /// The highest that may be told for `policy.maximumPauseReplicas`: an object's annotations have 256 KiB in all, and what is
    /// written down of a replica has up to four kilobytes during a pause.
    static let mostPauseReplicas = 48

    /// Creates the defaults.
    public init() {}
}
