// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

public import OCIRegistry
public import SandboxModels

/// The images that artifacts name: checking that they are there, and deleting them.
public struct ArtifactStore: Sendable {
    /// Where images are looked up.
    public let repositories: ImageRepositories

    /// Artifacts are looked up through these repositories.
    public init(repositories: ImageRepositories) {
        self.repositories = repositories
    }

    /// Asks the store for every manifest by its digest and for every blob it names, with its size.
    ///
    /// - Throws: `ArtifactStoreError` with `notVerified` if something is missing or differs, with `unavailable` if the
    ///   store cannot be asked; `CancellationError`.
    public func verify(_ artifact: Artifact) async throws {
        for part in artifact.parts {
            do {
                try await verify(part)
            } catch let error as RegistryError {
                let isWrong = [.malformedDocument, .digestMismatch, .sizeMismatch].contains(error.kind)
                throw ArtifactStoreError(
                    isWrong ? .notVerified : .unavailable,
                    "the image \(part.reference) of container \(part.container) could not be verified",
                    cause: error
                )
            }
        }
    }

    private func verify(_ part: Artifact.Part) async throws {
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
    }

    /// Deletes the manifest of every part. Blobs that other images share stay.
    ///
    /// - Returns: What became of each part, in their order.
    /// - Throws: `RegistryError` if the store cannot be asked.
    @discardableResult
    public func delete(_ artifact: Artifact) async throws -> [Deletion] {
        var outcomes: [Deletion] = []
        for part in artifact.parts {
            let (repository, digest) = try place(of: part)
            outcomes.append(try await repository.deleteManifest(digest))
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
