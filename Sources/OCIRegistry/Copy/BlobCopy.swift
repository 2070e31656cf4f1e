// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

internal import NIOCore

/// Copies one blob, streaming and verified on the way: memory does not grow with it, and nothing is kept on disk.
struct BlobCopy {
    /// What became of it.
    enum Outcome {
        /// It was there already.
        case present
        /// The target took it from another of its repositories.
        case mounted
        /// It was sent.
        case sent
    }

    let source: any ImageSource
    let target: any ImageRepository

    /// - Parameter moved: told how many bytes were sent; a negative number if they have to be sent again.
    /// - Throws: `ImageCopyError`, or `CancellationError`.
    func run(_ descriptor: Descriptor, moved: (Int64) -> Void = { _ in }) async throws -> Outcome {
        if try await isPresent(descriptor) { return .present }
        if try await isMounted(descriptor) { return .mounted }
        try await ImageCopyError.on(.target) {
            try await repeatingLostUploads {
                var sent: Int64 = 0
                do {
                    try await send(descriptor) { count in
                        sent += count
                        moved(count)
                    }
                } catch {
                    moved(-sent)
                    throw error
                }
            }
        }
        return .sent
    }

    private func isPresent(_ descriptor: Descriptor) async throws -> Bool {
        try await ImageCopyError.on(.target) {
            guard let size = try await target.blobSize(descriptor.digest) else { return false }
            guard size == descriptor.size else {
                throw RegistryError(
                    .sizeMismatch,
                    operation: "use the blob",
                    subject: "\(target.name)@\(descriptor.digest)",
                    reason: "it has \(size) bytes there instead of \(descriptor.size)",
                    advice: "the copy there is damaged: remove it and push the image again"
                )
            }
            return true
        }
    }

    private func isMounted(_ descriptor: Descriptor) async throws -> Bool {
        guard let from = source as? RegistryRepository, let to = target as? RegistryRepository,
            from.reference.endpoint == to.reference.endpoint
        else { return false }
        return try await ImageCopyError.on(.target) {
            try await to.mountBlob(descriptor.digest, from: from.reference.repository)
        }
    }

    /// The source is opened before the target is asked for anything, so that a blob that is not there leaves no upload behind.
    private func send(_ descriptor: Descriptor, moved: (Int64) -> Void) async throws {
        let body = try await ImageCopyError.on(.source) { try await source.blob(descriptor) }
        _ = try await target.upload { upload in
            var pieces = body.makeAsyncIterator()
            while let piece = try await ImageCopyError.on(.source, { try await pieces.next() }) {
                try await upload.write(piece)
                moved(Int64(piece.readableBytes))
            }
            return descriptor.digest
        }
    }
}
