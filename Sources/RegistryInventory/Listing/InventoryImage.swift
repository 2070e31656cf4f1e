// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

public import OCIRegistry
import SnapshotEngine
import SnapshotStore

public import struct Foundation.Date

/// One image, or index of images, that a repository has under a name.
public struct InventoryImage: Sendable, Hashable {
    /// What a snapshot's labels say of it.
    public struct Origin: Sendable, Hashable, Codable {
        /// The sandbox that was captured.
        public var sandbox: String
        /// The container within it.
        public var container: String?
        /// The node it ran on.
        public var node: String?
        /// The image that the container had been started from.
        public var parent: String?
        /// The image at the bottom: the first one that is no snapshot.
        public var base: String?

        /// Creates one.
        public init(
            sandbox: String,
            container: String? = nil,
            node: String? = nil,
            parent: String? = nil,
            base: String? = nil
        ) {
            self.sandbox = sandbox
            self.container = container
            self.node = node
            self.parent = parent
            self.base = base
        }

        /// Reads the labels; `nil` if the image is no snapshot. One that somebody has built on a snapshot has its labels as well,
        /// and other layers than they say.
        public init?(labels: [String: String], layers: Int) {
            guard let sandbox = labels[SnapshotLabels.sandbox], labels[SnapshotLabels.uid] != nil,
                labels[SnapshotLabels.layers] == "\(layers)"
            else { return nil }
            self.init(
                sandbox: sandbox,
                container: labels[SnapshotLabels.container],
                node: labels[SnapshotLabels.node],
                parent: labels[SnapshotLabels.parentDigest],
                base: labels[SnapshotLabels.baseDigest]
            )
        }
    }

    /// Where it is: the repository's name, `registry.example/team/snapshots` or `oci:/folder`.
    public var repository: String
    /// Its digest.
    public var digest: Digest
    /// Its type.
    public var mediaType: MediaType
    /// Its names, in the order of the alphabet.
    public var tags: [String]
    /// Where it came from; `nil` if it is no snapshot of ours.
    public var origin: Origin?
    /// When it was made; `nil` if it does not say so.
    public var created: Date?
    /// Everything it needs, each digest once: itself, of an index the manifests in it, configurations and layers.
    public var content: [Descriptor]
    /// What refers to it: signatures, lists of contents.
    public var referrers: [Descriptor]

    /// Creates one.
    public init(
        repository: String,
        digest: Digest,
        mediaType: MediaType = .ociManifest,
        tags: [String] = [],
        origin: Origin? = nil,
        created: Date? = nil,
        content: [Descriptor] = [],
        referrers: [Descriptor] = []
    ) {
        self.repository = repository
        self.digest = digest
        self.mediaType = mediaType
        self.tags = tags
        self.origin = origin
        self.created = created
        self.content = content
        self.referrers = referrers
    }

    /// All its bytes in the registry.
    public var size: Int64 { content.reduce(0) { $0 + $1.size } }
}
