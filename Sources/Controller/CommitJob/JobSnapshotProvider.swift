// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

public import KubeClient
import KubeModels
import KubeRuntime
public import Logging
public import SandboxModels
public import SnapshotProvider
import SnapshotStore

/// The built-in provider of clusters, `oci-rootfs`: captures by a Job on the sandbox's node, into images of a registry.
///
/// It keeps nothing in memory: how far a capture is, is in its Job, in the Job's pod, and on the node. ``run(_:)`` follows these
/// and says whose turn it is; every step waits until that has seen them all once.
public struct JobSnapshotProvider: SnapshotProvider {
    /// `oci-rootfs`.
    public var name: String { "oci-rootfs" }

    let client: KubeClient
    let jobs: Informer<Job>
    let pods: Informer<Pod>
    let settings: CommitJobSettings
    let logger: Logger

    /// Whose capture has news.
    public struct News: Sendable, Hashable {
        /// The namespace of both.
        public var namespace: String
        /// The name of the sandbox.
        public var sandbox: String
        /// The name of the `SandboxSnapshot`.
        public var snapshot: String
    }

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
        // A label of ours is well formed.
        let isOurs = try? LabelRequirement(OpenSandbox.Label.sandboxSnapshotName, .exists)
        let ours = ListOptions(labels: isOurs.map { LabelQuery([$0]) })
        jobs = Informer(client.resource(in: namespaces), ours, logger: logger)
        pods = Informer(client.resource(in: namespaces), ours, indexes: [.owner, .namespace], logger: logger)
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
    /// - Parameter wake: Called when a capture may have come further. It must not take long.
    /// - Throws: `CancellationError`.
    public func run(_ wake: @escaping @Sendable (News) -> Void) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await jobs.run() }
            group.addTask { try await pods.run() }
            group.addTask {
                for await change in jobs.changes {
                    if let news = change.object.news { wake(news) }
                }
            }
            group.addTask {
                for await change in pods.changes {
                    // Also of one that has outlived its Job.
                    if let news = change.object.news { wake(news) }
                }
            }
            try await group.next()
            group.cancelAll()
        }
    }

    /// The images to start from, by digest, and the Secret to pull them with.
    public func restore(_ artifact: Artifact) throws(SnapshotFailure) -> TemplatePatch {
        try TemplatePatch(startingFrom: artifact)
    }

    // MARK: - What is seen

    /// Returns when what is seen is as new as the caller: a Job that is not in the cache yet would be taken for lost.
    ///
    /// - Returns: Whether it is so. If not, the task was cancelled.
    func isSynced() async -> Bool {
        do {
            try await jobs.waitUntilSynced()
            try await pods.waitUntilSynced()
            return true
        } catch {
            return false
        }
    }

    /// The commit Job of a capture, if it is there.
    func commitJob(of request: SnapshotRequest) -> Job? {
        request.snapshot.flatMap { job($0.commitJobName, of: request) }
    }

    /// A Job of a capture, by name; nil if there is none, or if it is of another capture.
    func job(_ name: String, of request: SnapshotRequest) -> Job? {
        guard let job = jobs.store[request.source.namespace, name], job.request?.uid == request.uid else { return nil }
        return job
    }

    /// The pod of a Job, if it is there. One that is going away comes last.
    func pod(of job: Job) -> Pod? {
        guard let uid = job.metadata.uid else { return nil }
        let found = pods.store.objects(.owner, uid)
        return found.first { $0.metadata.deletionTimestamp == nil } ?? found.first
    }
}

extension KubeObject {
    /// Whose capture a Job, or a pod of one, is for.
    fileprivate var news: JobSnapshotProvider.News? {
        guard let text = metadata.annotations[SnapshotRequest.annotationName],
            let request = SnapshotRequest(annotation: text), let owner = request.owner
        else { return nil }
        return JobSnapshotProvider.News(
            namespace: request.source.namespace,
            sandbox: request.source.sandbox,
            snapshot: owner.name
        )
    }
}

extension SnapshotRequest {
    /// The `SandboxSnapshot` that it is for, as far as is needed to own something.
    var snapshot: SandboxSnapshot? {
        guard let owner else { return nil }
        return .with {
            $0.metadata.name = owner.name
            $0.metadata.namespace = source.namespace
            $0.metadata.uid = owner.uid
        }
    }
}
