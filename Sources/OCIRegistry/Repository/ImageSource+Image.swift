// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

internal import NIOCore

/// One image: its manifest and its configuration.
public struct Image: Sendable, Hashable {
    /// The manifest's descriptor.
    public var descriptor: Descriptor
    /// The manifest.
    public var manifest: ImageManifest
    /// The configuration.
    public var config: ImageConfig

    /// Creates an image from its parts.
    public init(descriptor: Descriptor, manifest: ImageManifest, config: ImageConfig) {
        self.descriptor = descriptor
        self.manifest = manifest
        self.config = config
    }
}

extension ImageSource {
    /// The manifest of one image; from an index, that for a platform.
    ///
    /// - Throws: `RegistryError` of kind `noSuchPlatform` if the index has none for it.
    public func manifest(
        _ reference: ManifestReference,
        for platform: Platform
    ) async throws -> ManifestContent {
        let content = try await manifest(reference)
        guard content.mediaType.isIndex else { return content }
        let index = try content.imageIndex()
        guard let chosen = index.manifest(for: platform) else {
            let offered = index.manifests.compactMap { $0.platform?.description }.filter { $0 != "unknown/unknown" }
            throw RegistryError(
                .noSuchPlatform,
                operation: "choose an image of",
                subject: name + reference.suffix,
                reason: "it has none for \(platform), only for \(offered.joined(separator: ", "))",
                advice: "use an image that was built for \(platform)"
            )
        }
        return try await manifest(.digest(chosen.digest))
    }

    /// One image's manifest and configuration; from an index, those for a platform.
    ///
    /// - Throws: `RegistryError` of kind `noSuchPlatform` if the image is for another platform, `malformedDocument` if
    ///   it is not an image or its layers do not fit its configuration.
    public func image(_ reference: ManifestReference, for platform: Platform = .current) async throws -> Image {
        let content = try await manifest(reference, for: platform)
        let manifest = try content.imageManifest()
        let subject = name + reference.suffix
        let bytes = try await blobData(manifest.config, limit: ManifestContent.sizeLimit)
        let config: ImageConfig = try ImageDocument.decode(from: bytes, subject: "the configuration of \(subject)")
        guard config.platform.runs(on: platform) else {
            throw RegistryError(
                .noSuchPlatform,
                operation: "use",
                subject: subject,
                reason: "it is for \(config.platform), not for \(platform)",
                advice: "use an image that was built for \(platform)"
            )
        }
        guard config.rootfs.diffIDs.count == manifest.layers.count else {
            throw RegistryError(
                .malformedDocument,
                operation: "use",
                subject: subject,
                reason: "it has \(manifest.layers.count) layers and \(config.rootfs.diffIDs.count) diff IDs"
            )
        }
        return Image(descriptor: content.descriptor, manifest: manifest, config: config)
    }

    /// A blob's bytes in memory, verified.
    ///
    /// - Parameter limit: the most bytes to accept.
    /// - Throws: `RegistryError` of kind `tooLarge` if the descriptor's size passes the limit.
    public func blobData(_ descriptor: Descriptor, limit: Int) async throws -> [UInt8] {
        guard descriptor.size <= Int64(limit) else {
            throw RegistryError(
                .tooLarge,
                operation: "read the blob",
                subject: name + "@\(descriptor.digest)",
                reason: "it has \(descriptor.size) bytes; at most \(limit) are accepted here"
            )
        }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(Int(descriptor.size))
        for try await piece in try await blob(descriptor) {
            bytes.append(contentsOf: piece.readableBytesView)
        }
        return bytes
    }
}
