// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

public import NIOCore

/// A blob on its way into a repository.
///
/// Written in order by one writer, then ended exactly once by `commit` or `cancel`; nothing is to be seen in the
/// repository before `commit` has returned.
public protocol BlobUpload: Sendable {
    /// Adds bytes. Returns once there is room for more, so memory stays bounded however slow the repository is.
    func write(_ bytes: ByteBuffer) async throws

    /// Makes the blob durable under its digest.
    ///
    /// - Returns: its size in bytes.
    /// - Throws: `RegistryError` of kind `digestMismatch` if the bytes have another digest.
    func commit(_ digest: Digest) async throws -> Int64

    /// Drops what was written. Works in a cancelled task as well; does nothing after `commit` has returned.
    func cancel() async
}
