// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Foundation
import Logging
import OCIRegistry
import Provenance
import TestSupport
import Testing

/// A real registry, or a layout folder, with an image in it.
struct SignedRegistry: Sendable {
    let repository: any ImageRepository
    let image: Image
    /// The registry, if it is one.
    let registry: DockerRegistry?
    /// `registry/repository`, or `oci:<folder>`.
    let name: String

    var attachments: ImageAttachments { ImageAttachments(to: image.descriptor, in: repository) }

    static func inRegistry(_ body: @Sendable (SignedRegistry) async throws -> Void) async throws {
        try await DockerRegistry.run { registry in
            let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
            try await withRegistryClient(logger: logger) { client in
                let name = "\(registry.authority)/boxes/box"
                let repository = client.repository(try ImageReference(parsing: "\(name):snap"))
                let image = try await put(in: repository)
                try await body(SignedRegistry(repository: repository, image: image, registry: registry, name: name))
            }
        }
    }

    static func inLayout(_ body: (SignedRegistry) async throws -> Void) async throws {
        try await withFolder { folder in
            let repository = ImageLayoutRepository(folder: "\(folder)/layout")
            let image = try await put(in: repository)
            try await body(
                SignedRegistry(repository: repository, image: image, registry: nil, name: "oci:\(folder)/layout")
            )
        }
    }

    /// An image with one layer, other ones for other words.
    static func put(in repository: any ImageRepository, word: String = "snap") async throws -> Image {
        let layer = try await repository.putBlob(Array(repeating: 0, count: 1024), mediaType: .ociLayer)
        var config = ImageConfig(platform: .current, rootfs: ImageConfig.RootFS(diffIDs: [layer.digest]))
        config.config.labels = ["word": word]
        let described = try await repository.putBlob(try ImageDocument.encode(config), mediaType: .ociConfig)
        let manifest = ImageManifest(config: described, layers: [layer])
        let bytes = try ImageDocument.encode(manifest)
        let descriptor = try await repository.putManifest(bytes, mediaType: .ociManifest, as: .tag(word))
        return Image(descriptor: descriptor, manifest: manifest, config: config)
    }

    /// Signs the image.
    func sign(by key: SigningKey) async throws {
        try await attachments.attach(
            SnapshotStatement(about: image.descriptor.digest, named: name, .example),
            signedWith: key
        )
    }

    /// Why the image is not believed; nil if it is.
    func refusal(trusting key: SigningKey) async throws -> ProvenanceError? {
        do {
            let policy = ProvenancePolicy(.require, trusting: key.publicKey)
            #expect(try await policy.check(image.descriptor.digest, named: name, in: repository) == nil)
            return nil
        } catch let error as ProvenanceError {
            return error
        }
    }

    /// What a program that knows nothing of ours reads by a tag or a digest.
    func raw(_ reference: String) async throws -> [String: Any] {
        let text = try await Command.run(
            "curl",
            [
                "-sSf", "-H", "Accept: application/vnd.oci.image.manifest.v1+json", "-H",
                "Accept: application/vnd.oci.image.index.v1+json",
                "http://\(registry?.authority ?? "")/v2/boxes/box/\(reference)",
            ]
        )
        return try #require(try LooseJSON.object(text.utf8))
    }
}
