// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

public import Logging
public import OCIRegistry
public import Provenance
public import SandboxModels

/// The images that artifacts name: checking that they are there, and deleting them.
public struct ArtifactStore: Sendable {
    /// Where images are looked up.
    public let repositories: ImageRepositories
    private let provenance: ProvenancePolicy?
    private let logger: Logger?

    /// Artifacts are looked up through these repositories.
    ///
    /// - Parameters:
    ///   - provenance: What is demanded of where an artifact comes from; nil for nothing.
    ///   - logger: Who is told what is not demanded and not there.
    public init(repositories: ImageRepositories, provenance: ProvenancePolicy? = nil, logger: Logger? = nil) {
        self.repositories = repositories
        self.provenance = provenance
        self.logger = logger
    }

    /// Asks the store for every manifest by its digest and for every blob it names, with its size, and for a statement of
    /// somebody who is trusted, if that is demanded.
    ///
    /// - Throws: `ArtifactStoreError` with `notVerified` if something is missing or differs, with `unproven` if nobody who is
    ///   trusted has signed it, with `unavailable` if the store cannot be asked; `CancellationError`.
    ///
    /// - Returns: What speaks against it where the policy is only to warn, a sentence for each part.
    @discardableResult
    public func verify(_ artifact: Artifact) async throws -> [String] {
        var remarks: [String] = []
        for part in artifact.parts {
            do {
                if let remark = try await verify(part) { remarks.append(remark) }
            } catch let error as RegistryError {
                let isWrong = [.malformedDocument, .digestMismatch, .sizeMismatch].contains(error.kind)
                throw ArtifactStoreError(
                    isWrong ? .notVerified : .unavailable,
                    "the image \(part.reference) of container \(part.container) could not be verified",
                    cause: error
                )
            }
        }
        return remarks
    }

    private func verify(_ part: Artifact.Part) async throws -> String? {
        let (repository, digest) = try place(of: part)
        let content: ManifestContent
        do {
            content = try await repository.manifest(.digest(digest))
        } catch let error as RegistryError where error.isNotFound {
            throw ArtifactStoreError(
                .notVerified,
                "the manifest \(digest) of container \(part.container) is not in \(repository.name): "
                    + "the image was deleted there, or never completely stored",
                cause: error
            )
        }
        for blob in try content.imageManifest().blobs where !blob.mediaType.isNondistributable {
            let size = try await repository.blobSize(blob.digest)
            guard size == blob.size else {
                throw ArtifactStoreError(
                    .notVerified,
                    "the blob \(blob.digest) of container \(part.container) "
                        + (size.map { "has \($0) bytes in \(repository.name) instead of \(blob.size)" }
                            ?? "is not in \(repository.name)")
                )
            }
        }
        return try await prove(digest, named: part.reference, in: repository)
    }

    private func prove(
        _ digest: Digest,
        named name: String,
        in repository: any ImageRepository
    ) async throws -> String? {
        do {
            let remark = try await provenance?.check(digest, named: name, in: repository)
            if let remark { logger?.warning("\(remark)", metadata: ["image": "\(name)", "digest": "\(digest)"]) }
            return remark
        } catch let error as ProvenanceError {
            throw ArtifactStoreError(.unproven, error.message)
        }
    }

    /// Deletes the manifest of every part and what is attached to it. Blobs that other images share stay.
    ///
    /// - Returns: What became of each part, in their order.
    /// - Throws: `RegistryError` if the store cannot be asked.
    @discardableResult
    public func delete(_ artifact: Artifact) async throws -> [Deletion] {
        var outcomes: [Deletion] = []
        for part in artifact.parts {
            let (repository, digest) = try place(of: part)
            let outcome = try await repository.deleteManifest(digest)
            outcomes.append(outcome)
            // Last, so that an image which stays, because the registry deletes nothing, can be believed.
            guard outcome != .unsupported else { continue }
            let descriptor = Descriptor(mediaType: .ociManifest, digest: digest, size: 0)
            try await ImageAttachments(to: descriptor, in: repository).remove()
        }
        return outcomes
    }

    /// Where a part is, and under which digest.
    private func place(of part: Artifact.Part) throws -> (any ImageRepository, Digest) {
        let location = try ImageLocation(parsing: part.reference)
        return (repositories.repository(of: location), try Digest(parsing: part.digest))
    }
}

extension Artifact.Part {
    /// Where a restore finds the image: the place of `reference`, but by digest.
    ///
    /// - Throws: `RegistryError` if the reference or the digest is malformed.
    public func restoreLocation() throws -> ImageLocation {
        try ImageLocation(parsing: reference).at(try Digest(parsing: digest))
    }
}
