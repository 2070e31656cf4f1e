// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

/// A place where the manifests and blobs of images are kept: a repository of a registry, or an image-layout folder.
///
/// All errors are `RegistryError`s, but for `CancellationError`.
public protocol ImageRepository: ImageSource {
    /// Makes a blob of another repository of the same registry appear in this one without moving its bytes.
    ///
    /// - Returns: false if that is not possible; then the blob has to be copied.
    func mountBlob(_ digest: Digest, from repository: String) async throws -> Bool

    /// Begins to write a blob.
    func startUpload() async throws -> any BlobUpload

    /// Writes a manifest or an index. Everything it names must be there already, but for its `subject`, among whose
    /// referrers it is listed.
    ///
    /// - Returns: its descriptor, with the digest that the repository confirmed.
    @discardableResult
    func putManifest(
        _ bytes: [UInt8],
        mediaType: MediaType,
        as reference: ManifestReference
    ) async throws -> Descriptor

    /// The tags, at most so many, in the order of the alphabet.
    ///
    /// - Parameter last: to go on after a tag, the last of an earlier call; `nil` to begin.
    /// - Returns: none if there is no such repository.
    func tags(after last: String?, limit: Int) async throws -> [String]

    /// The manifests that say in their `subject` to be about a manifest: signatures, lists of contents and the like.
    ///
    /// - Parameter artifactType: the kind that is wanted; `nil` for all.
    func referrers(of digest: Digest, artifactType: String?) async throws -> [Descriptor]

    /// Deletes a manifest and every tag that names it.
    func deleteManifest(_ digest: Digest) async throws -> Deletion

    /// Deletes a tag; what it named stays.
    func deleteTag(_ tag: String) async throws -> Deletion
}
