// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

public import OCIRegistry
import SnapshotEngine

/// Makes the image of a program in repositories.
///
/// Nothing is kept on disk on the way: each layer is made once to learn its digest, and once more for every repository that
/// does not have it. Both come out the same, and what is there already is not sent.
public struct ImageWriter: Sendable {
    /// What is written.
    public let image: ProgramImage
    private let layers: [Layer]
    private let config: [UInt8]
    private let manifest: [UInt8]

    private struct Layer: Sendable {
        var contents: ListedLayer
        var descriptor: Descriptor
        var diffID: Digest
    }

    /// The manifest's descriptor: what the image will be in every repository.
    public var descriptor: Descriptor { Descriptor(of: manifest, mediaType: .ociManifest) }

    /// The image's configuration.
    public var configuration: ImageConfig { image.config(diffIDs: layers.map(\.diffID)) }

    /// Reads the files of an image and computes what it will be.
    ///
    /// - Throws: `RootfsError` if a file cannot be read, `CancellationError`.
    public init(_ image: ProgramImage) async throws {
        self.image = image
        var layers: [Layer] = []
        for layer in image.layers {
            let summary = try await withLayerStream(layer.contents) { stream in
                for try await _ in stream {}
                return try stream.summary()
            }
            let descriptor = Descriptor(
                mediaType: summary.mediaType,
                digest: try Digest(parsing: summary.digest),
                size: summary.compressedSize
            )
            let diffID = try Digest(parsing: summary.diffID)
            layers.append(Layer(contents: layer.contents, descriptor: descriptor, diffID: diffID))
        }
        self.layers = layers
        config = try ImageDocument.encode(image.config(diffIDs: layers.map(\.diffID)))
        manifest = try ImageDocument.encode(
            ImageManifest(
                config: Descriptor(of: config, mediaType: .ociConfig),
                layers: layers.map(\.descriptor)
            )
        )
    }

    /// Writes the image, unless it is there: blobs first, so that there is never half an image under a name.
    ///
    /// - Parameter reference: The tag, or the digest for none.
    /// - Throws: `RegistryError`; of kind `digestMismatch` if a file has changed since the layers were computed.
    ///   `RootfsError`, `CancellationError`.
    public func write(to repository: any ImageRepository, as reference: ManifestReference) async throws {
        for layer in layers where try await repository.blobSize(layer.descriptor.digest) == nil {
            try await repeatingLostUploads {
                _ = try await repository.upload { upload in
                    try await withLayerStream(layer.contents) { stream in
                        for try await piece in stream { try await upload.write(piece) }
                        return layer.descriptor.digest
                    }
                }
            }
        }
        _ = try await repository.putBlob(config, mediaType: .ociConfig)
        try await repository.putManifest(manifest, mediaType: .ociManifest, as: reference)
    }
}
