// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

public import OCIRegistry

/// What is kept beside the manifest of an image: descriptions and signed statements.
public struct ImageAttachments: Sendable {
    private static let mostManifests = 32
    private static let mostLayers = 32
    private static let largestEnvelope = 1 << 20

    /// Where the image is.
    public let repository: any ImageRepository
    /// The image's manifest. It need not be there yet.
    public let image: Descriptor

    /// What is beside an image.
    public init(to image: Descriptor, in repository: any ImageRepository) {
        self.image = image
        self.repository = repository
    }

    /// Whether the repository is a registry's. In an image layout a tag is an image's name, so nothing else gets one.
    private var hasTags: Bool { !(repository is ImageLayoutRepository) }

    // MARK: - Writing

    /// Attaches a JSON document.
    ///
    /// - Parameters:
    ///   - type: The type of the artifact and of its one blob.
    ///   - created: RFC 3339.
    public func attach(_ document: [UInt8], type: String, created: String) async throws {
        let layer = Descriptor(of: document, mediaType: MediaType(type))
        try await put(
            CosignLayout.artifact(type, [(document, layer)], about: image, [CosignLayout.createdAnnotation: created]),
            tag: nil
        )
    }

    /// Attaches a statement, signed: as what refers to the image and, in a registry, under cosign's tag; and there a plain
    /// signature of the manifest, too.
    public func attach(_ statement: SnapshotStatement, signedWith key: SigningKey) async throws {
        let envelope = try ImageDocument.encode(try SignedEnvelope(statement, signedWith: key))
        try await put(
            CosignLayout.referrer(envelope, to: image, created: statement.predicate.createdAt),
            tag: nil
        )
        guard hasTags else { return }
        try await put(try CosignLayout.attestation(envelope), tag: CosignLayout.attestationTag(of: image.digest))
        try await put(
            try CosignLayout.signature(of: image.digest, in: repository.name, by: key),
            tag: CosignLayout.signatureTag(of: image.digest)
        )
    }

    private func put(_ document: CosignLayout.Document, tag: String?) async throws {
        for blob in document.blobs { _ = try await repository.putBlob(blob.bytes, mediaType: blob.mediaType) }
        let bytes = try ImageDocument.encode(document.manifest)
        try await repository.putManifest(
            bytes,
            mediaType: .ociManifest,
            as: tag.map { .tag($0) } ?? .digest(.sha256(of: bytes))
        )
    }

    // MARK: - Reading

    /// The document of a type that was attached last; nil if there is none.
    ///
    /// - Parameter limit: The most bytes that are read.
    public func document(ofType type: String, limit: Int) async throws -> [UInt8]? {
        let found = try await repository.referrers(of: image.digest, artifactType: type)
        let newest = found.max { created($0) < created($1) }
        guard let newest else { return nil }
        let manifest = try await repository.manifest(.digest(newest.digest)).imageManifest()
        guard let layer = manifest.layers.first(where: { $0.mediaType.rawValue == type }) else { return nil }
        return try await repository.blobData(layer, limit: limit)
    }

    private func created(_ descriptor: Descriptor) -> String {
        descriptor.annotations?[CosignLayout.createdAnnotation] ?? ""
    }

    /// Everything that looks like a signed statement, whoever signed it. What cannot be read is left out.
    func envelopes() async throws -> [[UInt8]] {
        var manifests: [ManifestReference] = []
        if hasTags { manifests.append(.tag(CosignLayout.attestationTag(of: image.digest))) }
        let referrers = try await repository.referrers(
            of: image.digest,
            artifactType: CosignLayout.statementArtifactType
        )
        manifests += referrers.prefix(Self.mostManifests).map { .digest($0.digest) }
        var seen: Set<Digest> = []
        var envelopes: [[UInt8]] = []
        for reference in manifests {
            do {
                let manifest = try await repository.manifest(reference).imageManifest()
                for layer in manifest.layers.prefix(Self.mostLayers)
                where layer.mediaType == CosignLayout.envelopeType && seen.insert(layer.digest).inserted {
                    envelopes.append(try await repository.blobData(layer, limit: Self.largestEnvelope))
                }
            } catch let error as RegistryError
                where error.isNotFound
                || [.malformedDocument, .tooLarge, .sizeMismatch, .digestMismatch].contains(error.kind)
            {
                continue
            }
        }
        return envelopes
    }

    // MARK: - Removing

    /// Removes all that refers to the image, and what cosign's tags name. What others have signed about an image that is
    /// deleted is of no use any more either.
    public func remove() async throws {
        var gone: Set<Digest> = []
        for referrer in try await repository.referrers(of: image.digest, artifactType: nil) {
            if try await repository.deleteManifest(referrer.digest) != .unsupported { gone.insert(referrer.digest) }
        }
        guard hasTags else { return }
        let list = "\(image.digest.algorithm.rawValue)-\(image.digest.hex)"
        for tag in [CosignLayout.attestationTag(of: image.digest), CosignLayout.signatureTag(of: image.digest)] {
            guard let found = try await repository.resolve(.tag(tag)) else { continue }
            _ = try await repository.deleteManifest(found.digest)
        }
        // Where a registry keeps no list of what refers to an image, one of ours is left if it was empty, or if somebody ended between
        // a deletion and the change of the list.
        if let content = try await optional(.tag(list)), content.mediaType.isIndex,
            try content.imageIndex().manifests.allSatisfy({ gone.contains($0.digest) })
        {
            _ = try await repository.deleteManifest(content.digest)
        }
    }

    private func optional(_ reference: ManifestReference) async throws -> ManifestContent? {
        do {
            return try await repository.manifest(reference)
        } catch let error as RegistryError where error.isNotFound {
            return nil
        }
    }
}
