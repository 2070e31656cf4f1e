// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

public import OCIRegistry
public import SnapshotProvider

/// What is known of a snapshot, as a document that is attached to its image: all that a restore by other means could ask
/// for. The image's config says what is needed to run it; this says what it was.
public struct SnapshotDescription: Sendable, Hashable, Codable {
    /// The type of the artifact, and of its blob.
    public static let artifactType = "application/vnd.stasis.snapshot.description.v1+json"
    /// The most bytes that are read of one.
    public static let sizeLimit = 1 << 20

    /// The version of this form.
    public var version = 1
    /// The uid of the capture.
    public var snapshot: String
    /// The digest of the image's manifest.
    public var manifest: String
    /// What it runs on, `os/architecture`.
    public var platform: String
    /// RFC 3339.
    public var createdAt: String
    /// What was captured.
    public var source: Source
    /// The digest of the image that the container was started from.
    public var parentDigest: String
    /// The digest of the image at the bottom of the stack.
    public var baseDigest: String
    /// How the container was run; nil if whoever captured it was not told.
    public var execution: ContainerExecution?

    /// What was captured.
    public struct Source: Sendable, Hashable, Codable {
        /// The sandbox's identity.
        public var sandbox: String
        /// The container in it.
        public var container: String
        /// The namespace.
        public var namespace: String
        /// The pod.
        public var pod: String
        /// The pod's UID.
        public var podUID: String
        /// The node.
        public var node: String
        /// The runtime class, if not the default one.
        public var runtimeClass: String?
    }

    /// Describes a snapshot of one container.
    public init(
        of container: SnapshotContainer,
        in request: SnapshotRequest,
        manifest: Digest,
        platform: Platform,
        parentDigest: String,
        baseDigest: String,
        createdAt: String
    ) {
        snapshot = request.uid
        self.manifest = manifest.description
        self.platform = platform.description
        self.createdAt = createdAt
        source = Source(
            sandbox: request.source.sandbox,
            container: container.name,
            namespace: request.source.namespace,
            pod: request.source.pod,
            podUID: request.source.podUID,
            node: request.source.node,
            runtimeClass: request.source.runtimeClass
        )
        self.parentDigest = parentDigest
        self.baseDigest = baseDigest
        execution = container.execution
    }
}
