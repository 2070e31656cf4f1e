// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import NIOCore
import OCIRegistry
import SnapshotEngine

/// Finds the digest of the image that a container was started from.
///
/// containerd writes the image's name down, but a tag may name another image by now. What counts is the snapshot that the
/// container's own one builds on: its name is the chain ID of the image's layers. So of all images that containerd knows
/// in the same repository the one is taken whose config has that chain ID.
struct BaseImageFinder {
    private static let largestDocument = 8 << 20

    let containerd: ContainerdClient

    /// The image as a reference with a digest; with the tag alone if containerd does not have it any more, so that the
    /// registry is asked what the tag names now (and refused if that is another image).
    func image(of container: PodContainer) async throws -> String {
        let record = container.record
        let parent = try await containerd.snapshot(record.snapshotKey, snapshotter: record.snapshotter).parent
        let images = try await containerd.images()
        let named = images.first { $0.name == record.image }
        // The kubelet's plugin may name the image by its ID; then another name of the same target tells the repository.
        let names = [record.image] + images.filter { $0.target == named?.target }.map(\.name)
        guard let reference = names.lazy.compactMap(Self.reference).first else {
            throw CommitterError(
                .failed,
                reason: "BaseImageUnavailable",
                "container \(container.name) was started from \(record.image), which names no repository"
            )
        }
        var checked: Set<String> = []
        for image in images where Self.reference(image.name)?.name == reference.name {
            guard checked.insert(image.target.digest).inserted,
                try await hasChainID(parent, descriptor: image.target)
            else { continue }
            return reference.at(try Digest(parsing: image.target.digest)).description
        }
        return reference.description
    }

    private static func reference(_ name: String) -> ImageReference? {
        name.hasPrefix("sha256:") ? nil : try? ImageReference(parsing: name)
    }

    /// Whether an image, or one of an index, has layers of that chain ID. What is not on this node has not.
    private func hasChainID(_ chain: String, descriptor: ContentDescriptor) async throws -> Bool {
        guard let bytes = try await bytes(descriptor.digest) else { return false }
        guard MediaType(rawValue: descriptor.mediaType).isIndex else {
            return try await chainID(ofManifest: bytes) == chain
        }
        for entry in try ImageDocument.decode(ImageIndex.self, from: bytes, subject: descriptor.digest).manifests
        where entry.mediaType.isManifest {
            if let manifest = try await self.bytes(entry.digest.description),
                try await chainID(ofManifest: manifest) == chain
            {
                return true
            }
        }
        return false
    }

    private func chainID(ofManifest bytes: [UInt8]) async throws -> String? {
        let manifest = try ImageDocument.decode(ImageManifest.self, from: bytes, subject: "manifest")
        guard let config = try await self.bytes(manifest.config.digest.description) else { return nil }
        return try ImageDocument.decode(ImageConfig.self, from: config, subject: "config").chainID?.description
    }

    private func bytes(_ digest: String) async throws -> [UInt8]? {
        try await ContainerdError.nilIfNotFound {
            Array(try await containerd.content(digest, limit: Self.largestDocument).readableBytesView)
        }
    }
}
