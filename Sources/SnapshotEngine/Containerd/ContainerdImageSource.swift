// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import NIOCore
public import OCIRegistry

/// The images that the containerd of this machine has in its content store, by digest.
///
/// It is never relied on: a node may drop the compressed layers of images that it has unpacked. What is there need not be
/// fetched again, and is there when the registry is not.
public struct ContainerdImageSource: ImageSource {
    private let client: ContainerdClient

    /// Reads the content of the client's namespace.
    public init(client: ContainerdClient) {
        self.client = client
    }

    /// `containerd's content store`.
    public var name: String { "containerd's content store" }

    /// Finds a manifest by its digest; nothing has a tag here.
    public func resolve(_ reference: ManifestReference) async throws -> Descriptor? {
        do {
            return try await manifest(reference).descriptor
        } catch let error as RegistryError where error.isNotFound {
            return nil
        }
    }

    /// Reads a manifest by its digest.
    public func manifest(_ reference: ManifestReference) async throws -> ManifestContent {
        guard case .digest(let digest) = reference else {
            throw RegistryError(
                .notFound,
                operation: "get the manifest",
                subject: "\(name): \(reference)",
                reason: "content has no tags"
            )
        }
        let bytes = try await telling(digest) {
            try await client.content(digest.description, limit: ManifestContent.sizeLimit)
        }
        return try ManifestContent(
            verifying: Array(bytes.readableBytesView),
            as: digest,
            subject: "\(digest) in \(name)"
        )
    }

    /// Opens a blob for reading, in parts.
    public func blob(_ descriptor: Descriptor) async throws -> BlobBody {
        guard try await blobSize(descriptor.digest) != nil else {
            throw RegistryError(
                .notFound,
                operation: "read the blob",
                subject: "\(name): \(descriptor.digest)",
                reason: "it is not there"
            )
        }
        return BlobBody(
            descriptor,
            subject: "\(descriptor.digest) in \(name)",
            source: Parts(client: client, digest: descriptor.digest.description, size: descriptor.size)
        )
    }

    /// The size of a blob.
    public func blobSize(_ digest: Digest) async throws -> Int64? {
        do {
            return try await telling(digest) { try await client.contentInfo(digest.description).size }
        } catch let error as RegistryError where error.isNotFound {
            return nil
        }
    }

    /// Turns containerd's errors into those of a source.
    private func telling<Value>(_ digest: Digest, _ body: () async throws -> Value) async throws -> Value {
        do {
            return try await body()
        } catch let error as ContainerdError {
            throw RegistryError(
                error.isNotFound ? .notFound : .storage,
                operation: "read",
                subject: "\(digest) in \(name)",
                reason: error.isNotFound ? "it is not there" : "containerd did not give it",
                cause: error
            )
        }
    }

    /// A blob in parts, each read when it is asked for: a call that lasts as long as its reader would hold up others.
    private struct Parts: AsyncSequence, AsyncIteratorProtocol, Sendable {
        let client: ContainerdClient
        let digest: String
        let size: Int64
        var offset: Int64 = 0

        private static let partSize: Int64 = 4 << 20

        func makeAsyncIterator() -> Parts { self }

        mutating func next() async throws -> ByteBuffer? {
            guard offset < size else { return nil }
            let wanted = Swift.min(Self.partSize, size - offset)
            let part = try await client.withContent(digest, offset: offset, size: wanted) { bytes in
                var part = ByteBuffer()
                for try await piece in bytes { part.writeImmutableBuffer(piece) }
                return part
            }
            guard part.readableBytes > 0 else { return nil }
            offset += Int64(part.readableBytes)
            return part
        }
    }
}
