// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import NIOCore
import OCIRegistry
import SandboxModels
import SnapshotEngine

import class Foundation.JSONDecoder

/// One pull of one image under a lease.
struct ImagePull {
    /// Whose pull it is.
    let puller: ImagePuller
    /// containerd, under the pull's lease.
    let client: ContainerdClient
    /// Where the image is.
    let location: ImageLocation
    /// The same, opened.
    let repository: any ImageSource
    /// The name of the record to make.
    let name: String

    /// The most layers that are downloaded at a time.
    private static let parallelDownloads = 3
    /// The most bytes of an image's config.
    private static let configLimit = 4 << 20

    /// Pulls the image.
    ///
    /// - Parameter digest: of its manifest, or of an index that has one for the puller's platform.
    func run(_ digest: Digest) async throws -> LocalImage {
        let content = try await repository.manifest(.digest(digest), for: puller.platform)
        let manifest = try content.imageManifest()
        try check(manifest)
        let config = try await pullConfig(manifest)
        try await downloadLayers(of: manifest)
        try await unpack(manifest, config)
        try await write(content, manifest, config)
        return LocalImage(
            name: name,
            manifestDigest: content.digest,
            manifest: manifest,
            config: config,
            snapshotter: puller.snapshotter
        )
    }

    /// Refuses what is not an image of layers that containerd can apply.
    private func check(_ manifest: ImageManifest) throws {
        for layer in manifest.layers where !layer.mediaType.isLayer {
            throw SandboxError(
                .imageUnavailable,
                "`\(name)` is no image that can run: its layer \(layer.digest) is of the type \(layer.mediaType)."
            )
        }
    }

    // MARK: - Content

    private func pullConfig(_ manifest: ImageManifest) async throws -> ImageConfig {
        guard manifest.config.size <= Int64(Self.configLimit) else {
            throw SandboxError(
                .imageUnavailable,
                "`\(name)` has a config of \(manifest.config.size) bytes; at most \(Self.configLimit) are read."
            )
        }
        try await download(manifest.config)
        let bytes = try await client.content(manifest.config.digest.description, limit: Self.configLimit)
        let config: ImageConfig
        do {
            config = try JSONDecoder().decode(ImageConfig.self, from: .init(bytes.readableBytesView))
        } catch {
            throw SandboxError(
                .imageUnavailable,
                "`\(name)` is no image that can run: its config is none.",
                cause: error
            )
        }
        guard config.platform.runs(on: puller.platform) else {
            throw SandboxError(
                .imageUnavailable,
                "`\(name)` is for \(config.platform), and this machine runs \(puller.platform)."
            )
        }
        guard config.rootfs.diffIDs.count == manifest.layers.count else {
            throw SandboxError(
                .imageUnavailable,
                "`\(name)` is damaged: its manifest names \(manifest.layers.count) layers, its config "
                    + "\(config.rootfs.diffIDs.count). Push it again."
            )
        }
        return config
    }

    private func downloadLayers(of manifest: ImageManifest) async throws {
        var seen: Set<Digest> = []
        let layers = manifest.layers.filter { seen.insert($0.digest).inserted }
        try await withThrowingTaskGroup(of: Void.self) { group in
            for (index, layer) in layers.enumerated() {
                if index >= Self.parallelDownloads { try await group.next() }
                group.addTask { try await download(layer) }
            }
            try await group.waitForAll()
        }
    }

    /// Brings a blob into the content store unless it is there.
    private func download(_ blob: Descriptor) async throws {
        let digest = blob.digest.description
        try await puller.locks.withLock("content \(digest)") {
            if try await keepContent(digest) { return }
            try await client.writeContent(
                reference: "\(client.lease ?? "stasis")-\(digest)",
                expectedDigest: digest,
                expectedSize: blob.size,
                labels: sourceLabels,
                body: try await repository.blob(blob)
            )
        }
    }

    /// Puts content that is there already under the pull's lease.
    ///
    /// - Returns: false if it is not there.
    private func keepContent(_ digest: String) async throws -> Bool {
        try await ContainerdError.nilIfNotFound {
            _ = try await client.contentInfo(digest)
            if let lease = client.lease {
                try await client.addResource(LeasedResource(id: digest, type: "content"), toLease: lease)
            }
            // It may have been collected just before.
            _ = try await client.contentInfo(digest)
            return true
        } ?? false
    }

    /// Where a registry can be asked to mount the blob from, in containerd's own words.
    private var sourceLabels: [String: String] {
        guard case .registry(let reference) = location else { return [:] }
        return ["containerd.io/distribution.source.\(reference.domain)": reference.repository]
    }

    /// Writes the manifest and the image's record. From here on they keep everything that belongs to the image.
    private func write(_ content: ManifestContent, _ manifest: ImageManifest, _ config: ImageConfig) async throws {
        var references = ["containerd.io/gc.ref.content.config": manifest.config.digest.description]
        for (index, layer) in manifest.layers.enumerated() {
            references["containerd.io/gc.ref.content.l.\(index)"] = layer.digest.description
        }
        if let chainID = config.chainID {
            try await client.setContentLabels(
                ["containerd.io/gc.ref.snapshot.\(puller.snapshotter)": chainID.description],
                of: manifest.config.digest.description
            )
        }
        let bytes = ByteBuffer(bytes: content.bytes)
        try await client.writeContent(
            reference: "\(client.lease ?? "stasis")-\(content.digest)",
            expectedDigest: content.digest.description,
            expectedSize: Int64(content.bytes.count),
            labels: references,
            body: OnePiece(bytes)
        )
        let image = ContainerdImage(
            name: name,
            target: ContentDescriptor(
                mediaType: content.mediaType.rawValue,
                digest: content.digest.description,
                size: Int64(content.bytes.count)
            ),
            labels: ["stasis.dev/image": "true"]
        )
        let client = client
        try await uncancelled {
            do {
                try await client.createImage(image)
            } catch let error as ContainerdError where error.isAlreadyExists {
                try await client.updateImage(image)
            }
        }
    }
}

/// Bytes that are in memory, as a sequence of one piece.
private struct OnePiece: AsyncSequence, Sendable {
    struct AsyncIterator: AsyncIteratorProtocol {
        var piece: ByteBuffer?

        mutating func next() async throws -> ByteBuffer? {
            defer { piece = nil }
            return piece
        }
    }

    private let piece: ByteBuffer

    init(_ piece: ByteBuffer) {
        self.piece = piece
    }

    func makeAsyncIterator() -> AsyncIterator { AsyncIterator(piece: piece) }
}
