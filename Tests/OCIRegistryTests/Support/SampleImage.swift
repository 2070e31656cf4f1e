// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Foundation
import NIOCore
import OCIRegistry
import TestSupport

/// A small image made for a test: real layers, made by tar and gzip.
struct SampleImage {
    let manifest: ImageManifest
    let config: ImageConfig
    /// Config and layers by digest.
    let blobs: [(descriptor: Descriptor, bytes: [UInt8])]

    /// Makes an image with one layer for each list of files, `name: bytes`.
    static func make(
        layers: [[String: [UInt8]]] = [["hello": Array("hello\n".utf8)], ["big": seededBytes(300_000)]],
        platform: Platform = .current
    ) async throws -> SampleImage {
        var config = ImageConfig(platform: platform, config: .init(env: ["A=b"], cmd: ["/hello"], labels: ["x": "y"]))
        var blobs: [(Descriptor, [UInt8])] = []
        for files in layers {
            let (tar, gzipped) = try await pack(files)
            blobs.append((Descriptor(of: gzipped, mediaType: .ociLayerGzip), gzipped))
            config.rootfs.diffIDs.append(.sha256(of: tar))
            config.history.append(.init(createdBy: "test"))
        }
        let configBytes = try ImageDocument.encode(config)
        let configDescriptor = Descriptor(of: configBytes, mediaType: .ociConfig)
        let manifest = ImageManifest(config: configDescriptor, layers: blobs.map(\.0))
        return SampleImage(
            manifest: manifest,
            config: config,
            blobs: ([(configDescriptor, configBytes)] + blobs).map { (descriptor: $0.0, bytes: $0.1) }
        )
    }

    /// Writes all of it.
    @discardableResult
    func push(to repository: any ImageRepository, as reference: ManifestReference) async throws -> Descriptor {
        for blob in blobs { _ = try await repository.putBlob(blob.bytes, mediaType: blob.descriptor.mediaType) }
        let bytes = try ImageDocument.encode(manifest)
        return try await repository.putManifest(bytes, mediaType: .ociManifest, as: reference)
    }

    private static func pack(_ files: [String: [UInt8]]) async throws -> (tar: [UInt8], gzipped: [UInt8]) {
        try await withTemporaryFolder { folder in
            try FileManager.default.createDirectory(atPath: "\(folder)/root", withIntermediateDirectories: false)
            for (name, bytes) in files { try Data(bytes).write(to: URL(filePath: "\(folder)/root/\(name)")) }
            try await Command.run("tar", ["-C", "\(folder)/root", "-cf", "\(folder)/layer.tar", "."])
            try await Command.run("gzip", ["-nk", "\(folder)/layer.tar"])
            return (
                Array(try Data(contentsOf: URL(filePath: "\(folder)/layer.tar"))),
                Array(try Data(contentsOf: URL(filePath: "\(folder)/layer.tar.gz")))
            )
        }
    }

    static func seededBytes(_ count: Int, seed: UInt64 = 1) -> [UInt8] {
        var generator = SeededGenerator(seed: seed)
        return generator.bytes(count)
    }
}

/// Everything of a blob.
func collect(_ body: BlobBody) async throws -> [UInt8] {
    var bytes: [UInt8] = []
    for try await piece in body { bytes.append(contentsOf: piece.readableBytesView) }
    return bytes
}
