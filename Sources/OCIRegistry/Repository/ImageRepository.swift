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

    /// Writes a manifest or an index. Everything it names must be there already.
    ///
    /// - Returns: its descriptor, with the digest that the repository confirmed.
    @discardableResult
    func putManifest(
        _ bytes: [UInt8],
        mediaType: MediaType,
        as reference: ManifestReference
    ) async throws -> Descriptor

    /// Deletes a manifest and every tag that names it.
    func deleteManifest(_ digest: Digest) async throws -> Deletion
}
