// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

public import OCIRegistry

/// An image that containerd has, unpacked and ready to run.
public struct LocalImage: Sendable, Hashable {
    /// The name of its record in containerd: where it came from, by digest (`registry.example/app@sha256:...`,
    /// `oci:/folder@sha256:...`). The digest is that of what was asked for, which may be an index.
    public var name: String
    /// The digest of the manifest for this machine's platform.
    public var manifestDigest: Digest
    /// The manifest: which layers, how large.
    public var manifest: ImageManifest
    /// How to run it.
    public var config: ImageConfig
    /// The snapshotter that has it unpacked.
    public var snapshotter: String

    /// The name of the snapshot that containers start from; nil for an image without layers.
    public var chainID: Digest? { config.chainID }

    /// Creates an image from its values.
    public init(
        name: String,
        manifestDigest: Digest,
        manifest: ImageManifest,
        config: ImageConfig,
        snapshotter: String
    ) {
        self.name = name
        self.manifestDigest = manifestDigest
        self.manifest = manifest
        self.config = config
        self.snapshotter = snapshotter
    }
}
