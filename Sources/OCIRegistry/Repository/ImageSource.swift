// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

/// A place where the manifests and blobs of images can be read.
///
/// All errors are `RegistryError`s, but for `CancellationError`.
public protocol ImageSource: Sendable {
    /// The name for messages: `registry.example/team/app`, `oci:/var/lib/images`.
    var name: String { get }

    /// Finds a manifest without fetching it; `nil` if it is not there.
    func resolve(_ reference: ManifestReference) async throws -> Descriptor?

    /// Fetches a manifest or an index, at most `ManifestContent.sizeLimit` bytes, and verifies its digest.
    ///
    /// - Throws: `RegistryError`; its `isNotFound` is true if it is not there.
    func manifest(_ reference: ManifestReference) async throws -> ManifestContent

    /// Opens a blob for reading. The bytes are verified as they are read.
    ///
    /// - Throws: `RegistryError`; its `isNotFound` is true if it is not there.
    func blob(_ descriptor: Descriptor) async throws -> BlobBody

    /// The size of a blob in bytes; `nil` if it is not there.
    func blobSize(_ digest: Digest) async throws -> Int64?
}
