// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

/// A manifest or index as it was received: its bytes, whose digest was verified.
public struct ManifestContent: Sendable, Hashable {
    /// The bytes, exactly as received.
    public let bytes: [UInt8]
    /// The type, as the repository said it.
    public let mediaType: MediaType
    /// The digest of the bytes.
    public let digest: Digest

    /// Creates content from bytes that have been verified.
    init(bytes: [UInt8], mediaType: MediaType, digest: Digest) {
        self.bytes = bytes
        self.mediaType = mediaType
        self.digest = digest
    }

    /// Takes bytes for a manifest or an index, if they have the digest and look like one.
    ///
    /// - Throws: `RegistryError` of kind `digestMismatch` or `malformedDocument`.
    public init(verifying bytes: [UInt8], as digest: Digest, subject: String) throws(RegistryError) {
        guard Digest.of(bytes, algorithm: digest.algorithm) == digest else {
            throw RegistryError(
                .digestMismatch,
                operation: "read the manifest",
                subject: subject,
                reason: "its bytes have another digest than \(digest)"
            )
        }
        guard let mediaType = Self.mediaType(of: bytes) else {
            throw RegistryError(
                .malformedDocument,
                operation: "read the manifest",
                subject: subject,
                reason: "it is neither a manifest nor an index"
            )
        }
        self.init(bytes: bytes, mediaType: mediaType, digest: digest)
    }

    /// The largest manifest that is accepted, 4 MiB, as the distribution specification recommends.
    public static let sizeLimit = 4 * 1024 * 1024

    /// Its descriptor.
    public var descriptor: Descriptor {
        Descriptor(mediaType: mediaType, digest: digest, size: Int64(bytes.count))
    }

    /// The manifest of one image.
    ///
    /// - Throws: `RegistryError` of kind `malformedDocument` if it is an index or not a manifest at all.
    public func imageManifest() throws(RegistryError) -> ImageManifest {
        guard mediaType.isManifest else { throw unexpected("the manifest of one image") }
        return try ImageDocument.decode(from: bytes, subject: "the manifest \(digest)")
    }

    /// The index.
    ///
    /// - Throws: `RegistryError` of kind `malformedDocument` if it is not one.
    public func imageIndex() throws(RegistryError) -> ImageIndex {
        guard mediaType.isIndex else { throw unexpected("an index") }
        return try ImageDocument.decode(from: bytes, subject: "the index \(digest)")
    }

    private func unexpected(_ what: String) -> RegistryError {
        RegistryError(
            .malformedDocument,
            operation: "read",
            subject: digest.description,
            reason: "its type is \(mediaType), not that of \(what)"
        )
    }

    /// The type that a manifest's own bytes show; `nil` if it is none.
    static func mediaType(of bytes: [UInt8]) -> MediaType? {
        struct Outline: Decodable {
            var mediaType: MediaType?
            var manifests: [Descriptor]?
            var layers: [Descriptor]?
        }
        guard let outline: Outline = try? ImageDocument.decode(from: bytes, subject: "a blob") else { return nil }
        if let mediaType = outline.mediaType, mediaType.isManifest || mediaType.isIndex { return mediaType }
        if outline.manifests != nil { return .ociIndex }
        return outline.layers != nil ? .ociManifest : nil
    }
}
