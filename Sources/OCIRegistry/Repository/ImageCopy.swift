// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

/// Copies a blob, streaming and verified on the way, unless the target has it. Between repositories of one registry
/// it is mounted if the registry does that, and no byte is moved.
///
/// - Returns: whether bytes were moved.
/// - Throws: `RegistryError`, or `CancellationError`.
@discardableResult
public func copyBlob(
    _ descriptor: Descriptor,
    from source: any ImageSource,
    to target: any ImageRepository
) async throws -> Bool {
    if let size = try await target.blobSize(descriptor.digest) {
        guard size == descriptor.size else {
            throw RegistryError(
                .sizeMismatch,
                operation: "use the blob",
                subject: "\(target.name)@\(descriptor.digest)",
                reason: "it has \(size) bytes there instead of \(descriptor.size)",
                advice: "the copy there is damaged: remove it and push the image again"
            )
        }
        return false
    }
    if let from = source as? RegistryRepository, let to = target as? RegistryRepository,
        from.reference.endpoint == to.reference.endpoint,
        try await to.mountBlob(descriptor.digest, from: from.reference.repository)
    {
        return false
    }
    try await repeatingLostUploads {
        let body = try await source.blob(descriptor)
        _ = try await target.upload { upload in
            for try await piece in body { try await upload.write(piece) }
            return descriptor.digest
        }
    }
    return true
}

/// Copies an image with everything it names: blobs first, so that the target never has half an image under a name.
///
/// Layers that must not be pushed and can be had elsewhere are left where they are.
///
/// - Parameters:
///   - platform: what to take from an index; `nil` for the whole index.
///   - parallelism: how many blobs are copied at a time.
/// - Returns: the descriptor of what is at the target now.
/// - Throws: `RegistryError`, or `CancellationError`.
@discardableResult
public func copyImage(
    _ reference: ManifestReference,
    from source: any ImageSource,
    to target: any ImageRepository,
    as name: ManifestReference,
    platform: Platform? = nil,
    parallelism: Int = 3
) async throws -> Descriptor {
    let content: ManifestContent
    if let platform {
        content = try await source.manifest(reference, for: platform)
    } else {
        content = try await source.manifest(reference)
    }
    if content.mediaType.isIndex {
        for manifest in try content.imageIndex().manifests {
            let digest = ManifestReference.digest(manifest.digest)
            try await copyImage(digest, from: source, to: target, as: digest, parallelism: parallelism)
        }
    } else {
        let blobs = try content.imageManifest().blobs.filter { blob in
            !(blob.mediaType.isNondistributable && blob.urls?.isEmpty == false)
        }
        try await copyBlobs(blobs, from: source, to: target, parallelism: parallelism)
    }
    return try await target.putManifest(content.bytes, mediaType: content.mediaType, as: name)
}

private func copyBlobs(
    _ blobs: [Descriptor],
    from source: any ImageSource,
    to target: any ImageRepository,
    parallelism: Int
) async throws {
    try await withThrowingTaskGroup(of: Void.self) { group in
        for (index, blob) in blobs.enumerated() {
            if index >= parallelism { try await group.next() }
            group.addTask { _ = try await copyBlob(blob, from: source, to: target) }
        }
        try await group.waitForAll()
    }
}
