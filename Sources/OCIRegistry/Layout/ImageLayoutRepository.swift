// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

/// The images of an OCI image-layout folder.
///
/// The folder is made when something is first written to it. Tags are the entries of `index.json` with the annotation
/// `org.opencontainers.image.ref.name`, as skopeo and umoci write them. Several processes may use one folder.
public struct ImageLayoutRepository: ImageRepository {
    /// The folder's path.
    public let folder: String
    let files: LayoutFolder

    /// Names a folder; nothing is read or written yet.
    public init(folder: String) {
        self.folder = folder
        self.files = LayoutFolder(path: folder)
    }

    /// `oci:<folder>`.
    public var name: String { "oci:\(folder)" }

    /// Finds a manifest. A digest that `index.json` does not list is found among the blobs.
    public func resolve(_ reference: ManifestReference) async throws -> Descriptor? {
        try await BlockingIO.run { try find(reference) }
    }

    /// Reads a manifest.
    public func manifest(_ reference: ManifestReference) async throws -> ManifestContent {
        try await BlockingIO.run {
            guard let descriptor = try find(reference) else { throw notFound("get the manifest of", reference.suffix) }
            let bytes = try readManifest(descriptor.digest, reference)
            guard Digest.of(bytes, algorithm: descriptor.digest.algorithm) == descriptor.digest else {
                throw RegistryError(
                    .digestMismatch,
                    operation: "get the manifest of",
                    subject: name + reference.suffix,
                    reason: "the file of the blob \(descriptor.digest) has other bytes",
                    advice: "the copy there is damaged: push the image again"
                )
            }
            return ManifestContent(bytes: bytes, mediaType: descriptor.mediaType, digest: descriptor.digest)
        }
    }

    /// Opens a blob's file.
    public func blob(_ descriptor: Descriptor) async throws -> BlobBody {
        let file = try await BlockingIO.run {
            guard let file = try files.openBlob(descriptor.digest) else {
                throw notFound("read the blob", "@\(descriptor.digest)")
            }
            return file
        }
        return BlobBody(descriptor, subject: "\(name)@\(descriptor.digest)", source: LayoutBlobSource(file: file))
    }

    /// The size of a blob's file.
    public func blobSize(_ digest: Digest) async throws -> Int64? {
        try await BlockingIO.run { try files.openBlob(digest)?.size() }
    }

    /// There is only one repository in a layout: always false.
    public func mountBlob(_ digest: Digest, from repository: String) async throws -> Bool { false }

    /// Begins a temporary file in the folder.
    public func startUpload() async throws -> any BlobUpload {
        LayoutUpload(file: try await BlockingIO.run { try files.createTemporary() }, folder: files, name: name)
    }

    /// Writes a manifest and lists it in `index.json`: under a name for a tag, without one for a digest that is not
    /// listed yet.
    @discardableResult
    public func putManifest(
        _ bytes: [UInt8],
        mediaType: MediaType,
        as reference: ManifestReference
    ) async throws -> Descriptor {
        let algorithm = if case .digest(let digest) = reference { digest.algorithm } else { Digest.Algorithm.sha256 }
        let digest = Digest.of(bytes, algorithm: algorithm)
        if case .digest(let wanted) = reference, wanted != digest {
            throw RegistryError(
                .digestMismatch,
                operation: "put the manifest",
                subject: name + reference.suffix,
                reason: "its bytes have the digest \(digest)"
            )
        }
        let descriptor = Descriptor(mediaType: mediaType, digest: digest, size: Int64(bytes.count))
        return try await BlockingIO.run {
            try files.write(bytes, as: digest)
            try files.updateIndex { (index) throws(RegistryError) in
                if let missing = try missingBlob(of: bytes) {
                    throw notFound("put the manifest", reference.suffix, reason: "its blob \(missing) is not there")
                }
                switch reference {
                case .tag(let tag): try index.set(tag: tag, to: descriptor)
                case .digest: try index.list(descriptor)
                }
            }
            files.claims.settle(try [digest] + Self.references(in: bytes))
            return descriptor
        }
    }

    /// What to ask for when only the folder was named: its one tagged entry, or its one entry.
    ///
    /// - Throws: `RegistryError` of kind `notFound` if there is none, `invalidReference` if there are several.
    public func onlyReference() async throws -> ManifestReference {
        let entries = try await BlockingIO.run { try files.readIndex().entries }
        let tags = entries.compactMap { $0.annotations?[LayoutIndex.referenceName] }
        if let tag = tags.first, tags.count == 1 { return .tag(tag) }
        if let entry = entries.first, Set(entries.map(\.digest)).count == 1 { return .digest(entry.digest) }
        if entries.isEmpty { throw notFound("find an image in", "") }
        throw RegistryError(
            .invalidReference,
            operation: "choose an image of",
            subject: name,
            reason: "it has \(entries.count) images",
            advice: "name one: \(tags.prefix(10).map { "\(name):\($0)" }.joined(separator: ", "))"
        )
    }

    // MARK: Blocking parts

    private func find(_ reference: ManifestReference) throws(RegistryError) -> Descriptor? {
        let index = try files.readIndex()
        switch reference {
        case .tag(let tag):
            return index.entry(tag: tag)
        case .digest(let digest):
            guard let file = try files.openBlob(digest) else { return nil }
            if var entry = index.entry(digest: digest) {
                // The name is the entry's, not the manifest's.
                entry.annotations?[LayoutIndex.referenceName] = nil
                if entry.annotations?.isEmpty == true { entry.annotations = nil }
                return entry
            }
            let bytes = try file.readAll(limit: ManifestContent.sizeLimit)
            guard let mediaType = ManifestContent.mediaType(of: bytes) else { return nil }
            return Descriptor(mediaType: mediaType, digest: digest, size: Int64(bytes.count))
        }
    }

    private func readManifest(_ digest: Digest, _ reference: ManifestReference) throws(RegistryError) -> [UInt8] {
        guard let file = try files.openBlob(digest) else {
            throw notFound("get the manifest of", reference.suffix, reason: "its blob \(digest) is missing")
        }
        return try file.readAll(limit: ManifestContent.sizeLimit)
    }

    func notFound(_ operation: String, _ suffix: String, reason: String = "it is not there") -> RegistryError {
        RegistryError(.notFound, operation: operation, subject: name + suffix, reason: reason)
    }
}
