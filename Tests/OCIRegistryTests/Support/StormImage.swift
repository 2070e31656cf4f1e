// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import OCIRegistry
import TestSupport

/// An image that is drawn from a number. Its first layer is shared by every fifth one; some layers are larger than a
/// chunk of an upload.
struct StormImage {
    private let layers: [[UInt8]]
    private let config: [UInt8]
    private let manifest: [UInt8]

    init(seed: UInt64, number: Int) throws {
        var generator = SeededGenerator(seed: seed &+ UInt64(number) &* 0x9E37)
        layers =
            [SampleImage.seededBytes(60_000, seed: UInt64(number / 2 % 5))]
            + (0..<Int.random(in: 1...2, using: &generator)).map { _ in
                generator.bytes(Int.random(in: 1...150_000, using: &generator))
            }
        var config = ImageConfig(platform: .current, config: .init(env: ["NUMBER=\(number)"]))
        config.rootfs.diffIDs = layers.map { .sha256(of: $0) }
        self.config = try ImageDocument.encode(config)
        manifest = try ImageDocument.encode(
            ImageManifest(
                config: Descriptor(of: self.config, mediaType: .ociConfig),
                layers: layers.map { Descriptor(of: $0, mediaType: .ociLayer) }
            )
        )
    }

    /// The digest of its manifest.
    var digest: Digest { .sha256(of: manifest) }

    /// Writes all of it, the manifest last.
    func push(to repository: RegistryRepository, as reference: ManifestReference) async throws {
        for layer in layers { _ = try await repository.putBlob(layer, mediaType: .ociLayer) }
        _ = try await repository.putBlob(config, mediaType: .ociConfig)
        try await repository.putManifest(manifest, mediaType: .ociManifest, as: reference)
    }
}
