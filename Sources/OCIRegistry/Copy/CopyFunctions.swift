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
    do {
        return try await BlobCopy(source: source, target: target).run(descriptor) == .sent
    } catch let error as ImageCopyError {
        throw error.error
    }
}

/// Copies an image with everything it names, and without what refers to it. `ImageCopy` does the same and more, and says
/// which side has failed.
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
    let options = ImageCopyOptions(platform: platform, includesReferrers: false, parallelism: parallelism)
    do {
        return try await ImageCopy(from: source, to: target, options: options).run(reference, as: name).descriptor
    } catch let error as ImageCopyError {
        throw error.error
    }
}
