// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

/// The manifest of one image: its configuration and its layers, lowest first.
///
/// Digests are always taken of the bytes that were received, never of this value written again.
public struct ImageManifest: Sendable, Hashable, Codable {
    /// Always 2.
    public var schemaVersion: Int
    /// The manifest's own type; older writers leave it out.
    public var mediaType: MediaType?
    /// What kind of artifact it is, if it is not an image.
    public var artifactType: String?
    /// The image's configuration.
    public var config: Descriptor
    /// The layers, lowest first.
    public var layers: [Descriptor]
    /// What the manifest is attached to, if anything.
    public var subject: Descriptor?
    /// Words of the writer's own.
    public var annotations: [String: String]?

    /// Creates a manifest.
    public init(
        mediaType: MediaType? = .ociManifest,
        artifactType: String? = nil,
        config: Descriptor,
        layers: [Descriptor],
        subject: Descriptor? = nil,
        annotations: [String: String]? = nil
    ) {
        self.schemaVersion = 2
        self.mediaType = mediaType
        self.artifactType = artifactType
        self.config = config
        self.layers = layers
        self.subject = subject
        self.annotations = annotations
    }

    /// Everything the manifest needs to have beside it, each digest once: the config first, then the layers.
    public var blobs: [Descriptor] {
        var seen: Set<Digest> = []
        return ([config] + layers).filter { seen.insert($0.digest).inserted }
    }
}
