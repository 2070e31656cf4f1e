// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

public import KubeClient
import KubeModels
public import KubeRuntime
public import Logging
public import SandboxModels
public import SnapshotProvider
import SnapshotStore

/// The built-in provider of clusters, `oci-rootfs`: captures by a Job on the sandbox's node, into images of a registry.
///
/// It keeps nothing in memory: how far a capture is, is in its Job, in the Job's pod, and on the node. ``follow(_:)`` follows these
/// and says whose turn it is; every step waits until that has seen them all once.
public struct JobSnapshotProvider: SnapshotProvider {
    /// `oci-rootfs`.
    public var name: String { "oci-rootfs" }

    let client: KubeClient
    let jobs: NodeJobs
    let settings: CommitJobSettings
    let logger: Logger

    /// Creates a provider.
    ///
    /// - Parameters:
    ///   - client: The cluster.
    ///   - namespaces: Where sandboxes are.
    ///   - settings: What all Jobs have in common.
    public init(
        _ client: KubeClient,
        in namespaces: NamespaceScope = .all,
        settings: CommitJobSettings,
        logger: Logger
    ) {
        self.client = client
        self.settings = settings
        self.logger = logger
        jobs = NodeJobs(client, in: namespaces, logger: logger)
    }

    /// What this provider can do.
    public var capabilities: ProviderCapabilities {
        ProviderCapabilities(
            contents: .filesystem,
            canKeepRunning: true,
            canHoldFrozen: true,
            isPortable: true,
            isIncremental: true,
            isPerContainer: true
        )
    }

    /// Follows Jobs and their pods until the task is cancelled.
    ///
    /// - Parameter look: Called with a sandbox when a capture of it may have come further. It must not take long.
    /// - Throws: `CancellationError`.
    public func follow(_ look: @escaping @Sendable (ObjectKey) -> Void) async throws { try await jobs.follow(look) }

    /// The images to start from, by digest, and the Secret to pull them with.
    public func restore(_ artifact: Artifact) throws(SnapshotFailure) -> TemplatePatch {
        try TemplatePatch(startingFrom: artifact)
    }

    /// The commit Job of a capture, if it is there.
    func commitJob(of request: SnapshotRequest) -> Job? {
        request.snapshot.flatMap { jobs.found($0.commitJobName, of: request) }
    }
}
