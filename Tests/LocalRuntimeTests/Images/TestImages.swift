// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Foundation
import OCIRegistry
import Synchronization
import TestSupport

/// Images made for tests out of the busybox image, in an image-layout folder.
struct TestImages {
    /// The folder.
    let folder: String
    /// The image that the others are made of.
    let base: Image

    /// The layout, to write to.
    var layout: ImageLayoutRepository { ImageLayoutRepository(folder: folder) }

    /// Copies the busybox image into a new folder under the tag `base`.
    static func make(from busybox: BusyboxImage, in folder: String) async throws -> TestImages {
        let layout = ImageLayoutRepository(folder: folder)
        let source = ImageLayoutRepository(folder: busybox.layout)
        try await copyImage(.tag(busybox.tag), from: source, to: layout, as: .tag("base"))
        return TestImages(folder: folder, base: try await layout.image(.tag("base")))
    }

    /// Where an image is.
    func location(_ tag: String) -> ImageLocation {
        .layout(folder: folder, tag: tag, digest: nil)
    }

    /// Writes a changed copy of the base under a tag.
    @discardableResult
    func derive(
        _ tag: String,
        config change: (inout ImageConfig) -> Void = { _ in },
        manifest changeManifest: (inout ImageManifest) -> Void = { _ in }
    ) async throws -> Descriptor {
        var config = base.config
        change(&config)
        var manifest = base.manifest
        manifest.config = try await layout.putBlob(Self.encode(config), mediaType: .ociConfig)
        changeManifest(&manifest)
        return try await layout.putManifest(Self.encode(manifest), mediaType: .ociManifest, as: .tag(tag))
    }

    /// Writes an image with one layer more, which has one file.
    @discardableResult
    func addFile(_ name: String, _ text: String, tag: String) async throws -> Descriptor {
        let work = "\(folder)-\(tag)"
        try FileManager.default.createDirectory(atPath: work, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: work) }
        try text.write(toFile: "\(work)/\(name)", atomically: false, encoding: .utf8)
        try await Command.run("tar", ["-C", work, "-cf", "\(work).tar", name])
        defer { try? FileManager.default.removeItem(atPath: "\(work).tar") }
        let tar = [UInt8](try Data(contentsOf: URL(filePath: "\(work).tar")))
        let layer = try await layout.putBlob(tar, mediaType: .ociLayer)
        return try await derive(tag) { config in
            config.rootfs.diffIDs.append(layer.digest)
        } manifest: { manifest in
            manifest.layers.append(layer)
        }
    }

    /// Spoils a byte of a blob.
    func spoil(_ digest: Digest) throws {
        let path = "\(folder)/blobs/sha256/\(digest.description.dropFirst("sha256:".count))"
        var bytes = try Data(contentsOf: URL(filePath: path))
        bytes[bytes.count / 2] ^= 1
        try bytes.write(to: URL(filePath: path))
    }

    static func encode(_ value: some Encodable) throws -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return [UInt8](try encoder.encode(value))
    }
}

/// Counts what is read of a repository.
final class ReadCounter: Sendable {
    private let counts = Mutex([Digest: Int]())

    /// How often each blob was opened.
    var blobs: [Digest: Int] { counts.withLock { $0 } }

    /// The same repository, counted.
    func counting(_ repository: any ImageSource) -> any ImageSource {
        Counted(repository: repository, counter: self)
    }

    fileprivate func count(_ digest: Digest) {
        counts.withLock { $0[digest, default: 0] += 1 }
    }

    private struct Counted: ImageSource {
        let repository: any ImageSource
        let counter: ReadCounter

        var name: String { repository.name }

        func resolve(_ reference: ManifestReference) async throws -> Descriptor? {
            try await repository.resolve(reference)
        }

        func manifest(_ reference: ManifestReference) async throws -> ManifestContent {
            try await repository.manifest(reference)
        }

        func blob(_ descriptor: Descriptor) async throws -> BlobBody {
            counter.count(descriptor.digest)
            return try await repository.blob(descriptor)
        }

        func blobSize(_ digest: Digest) async throws -> Int64? {
            try await repository.blobSize(digest)
        }
    }
}
