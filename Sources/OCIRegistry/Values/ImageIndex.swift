// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

/// A list of manifests, one for each platform: an OCI index or a Docker manifest list.
///
/// Digests are always taken of the bytes that were received, never of this value written again.
public struct ImageIndex: Sendable, Hashable, Codable {
    /// Always 2.
    public var schemaVersion: Int
    /// The index's own type; older writers leave it out.
    public var mediaType: MediaType?
    /// What kind of artifact it is, if it is not an image.
    public var artifactType: String?
    /// The manifests, best first.
    public var manifests: [Descriptor]
    /// What the index is attached to, if anything.
    public var subject: Descriptor?
    /// Words of the writer's own.
    public var annotations: [String: String]?

    /// Creates an index.
    public init(
        mediaType: MediaType? = .ociIndex,
        artifactType: String? = nil,
        manifests: [Descriptor],
        subject: Descriptor? = nil,
        annotations: [String: String]? = nil
    ) {
        self.schemaVersion = 2
        self.mediaType = mediaType
        self.artifactType = artifactType
        self.manifests = manifests
        self.subject = subject
        self.annotations = annotations
    }

    /// The first manifest for a platform: one that says the same variant, else one that runs there.
    ///
    /// Entries without a platform (some registries' attestations have `unknown/unknown`) never match.
    public func manifest(for platform: Platform) -> Descriptor? {
        let candidates = manifests.filter { $0.platform?.runs(on: platform) ?? false }
        return candidates.first { $0.platform?.variant == platform.variant } ?? candidates.first
    }
}
