// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

internal import NIOCore

extension ImageRepository {
    /// Writes a small blob that is in memory, unless it is there already.
    public func putBlob(_ bytes: [UInt8], mediaType: MediaType) async throws -> Descriptor {
        let descriptor = Descriptor(of: bytes, mediaType: mediaType)
        guard try await blobSize(descriptor.digest) == nil else { return descriptor }
        try await repeatingLostUploads {
            _ = try await upload { upload in
                try await upload.write(ByteBuffer(bytes: bytes))
                return descriptor.digest
            }
        }
        return descriptor
    }

    /// Writes a blob within a scope: committed under the digest that `body` returns, cancelled if it throws.
    ///
    /// - Returns: the blob's size in bytes.
    public func upload(_ body: (any BlobUpload) async throws -> Digest) async throws -> Int64 {
        let upload = try await startUpload()
        do {
            return try await upload.commit(try await body(upload))
        } catch {
            await upload.cancel()
            throw error
        }
    }
}

/// Runs an upload again, a few times, if the repository drops it half-way. `body` has to have all its bytes still, or to
/// make them again.
public func repeatingLostUploads(_ body: () async throws -> Void) async throws {
    var attempt = 1
    while true {
        do {
            return try await body()
        } catch let error as RegistryError where error.kind == .uploadLost && attempt < 3 {
            attempt += 1
        }
    }
}
