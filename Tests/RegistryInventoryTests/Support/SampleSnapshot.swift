// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import OCIRegistry
import SnapshotEngine
import SnapshotStore

import struct Foundation.Date

/// Small images with the labels of snapshots.
enum SampleSnapshot {
    /// A moment some days ago.
    static let old = Date(timeIntervalSinceNow: -10 * 86400)

    /// Puts one into a repository.
    ///
    /// - Parameters:
    ///   - number: makes its layer another one.
    ///   - base: the layer below, which others share.
    ///   - isSnapshot: whether it has the labels.
    @discardableResult
    static func push(
        to repository: any ImageRepository,
        tag: String,
        sandbox: String = "default/box",
        number: Int,
        base: [UInt8] = Array(repeating: 7, count: 1000),
        parent: Digest? = nil,
        created: Date? = old,
        isSnapshot: Bool = true
    ) async throws -> Descriptor {
        let lower = try await repository.putBlob(base, mediaType: .ociLayer)
        let own = try await repository.putBlob(Array("layer \(number)".utf8), mediaType: .ociLayer)
        var labels = ["somebody": "else"]
        if isSnapshot {
            labels[SnapshotLabels.sandbox] = sandbox
            labels[SnapshotLabels.container] = "main"
            labels[SnapshotLabels.uid] = "capture-\(number)"
            labels[SnapshotLabels.layers] = "2"
            labels[SnapshotLabels.parentDigest] = (parent ?? .sha256(of: base)).description
        }
        var config = ImageConfig(platform: .current, config: .init(labels: labels))
        config.created = created?.formatted(.iso8601)
        config.rootfs.diffIDs = [lower.digest, own.digest]
        let bytes = try ImageDocument.encode(config)
        let descriptor = try await repository.putBlob(bytes, mediaType: .ociConfig)
        let manifest = try ImageDocument.encode(ImageManifest(config: descriptor, layers: [lower, own]))
        return try await repository.putManifest(manifest, mediaType: .ociManifest, as: .tag(tag))
    }

    /// Attaches something to an image.
    static func attach(
        to subject: Descriptor,
        in repository: any ImageRepository,
        note: String = "signature"
    ) async throws -> Descriptor {
        let empty = try await repository.putBlob(
            Array("{}".utf8),
            mediaType: MediaType("application/vnd.oci.empty.v1+json")
        )
        let manifest = ImageManifest(
            artifactType: "test/\(note)",
            config: empty,
            layers: [empty],
            subject: subject,
            annotations: ["note": note]
        )
        let bytes = try ImageDocument.encode(manifest)
        return try await repository.putManifest(bytes, mediaType: .ociManifest, as: .digest(.sha256(of: bytes)))
    }
}
