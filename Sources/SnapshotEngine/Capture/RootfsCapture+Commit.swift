// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Logging
import OCIRegistry
import Provenance
import SandboxModels
import SnapshotProvider

import struct Foundation.Date

/// A manifest that was written, or may have been.
struct WrittenManifest: Sendable {
    /// Where.
    let repository: any ImageRepository
    /// Under which digest.
    let digest: Digest
}

/// Making images of captured layers, or nothing at all.
extension RootfsCapture {
    /// How long taking back half a commit may take.
    private static let withdrawalPatience = Duration.seconds(20)

    /// Stores config and manifest of every container's image.
    ///
    /// - Parameter written: Gets every manifest before it is written, so that it can be taken back.
    func commit(
        _ prepared: PreparedCapture,
        _ layers: [[SnapshotImage.Layer]],
        written: inout [WrittenManifest]
    ) async throws -> Artifact {
        // To the millisecond: it also tells what was captured together.
        let created = Date().formatted(Date.ISO8601FormatStyle(includingFractionalSeconds: true))
        var parts: [Artifact.Part] = []
        for (container, layers) in zip(prepared.containers, layers) {
            let image = SnapshotImage(
                parent: container.parent.image,
                stack: container.stack,
                layers: layers,
                request: prepared.request,
                container: container.container,
                created: created
            )
            parts.append(try await commit(image, of: container, written: &written))
        }
        let platform = prepared.containers.first.map { $0.parent.image.config.platform } ?? .current
        var artifact = Artifact(provider: Self.providerName, parts: parts, platform: platform.description)
        if prepared.containers.contains(where: { $0.difference.overlay == nil }) {
            artifact.remark = FilesystemDifference.diffServiceRemark
        }
        return artifact
    }

    /// Stores config, manifest and what is attached to it. In a registry the tag comes last, so that it never names an
    /// incomplete image.
    private func commit(
        _ image: SnapshotImage,
        of container: PreparedContainer,
        written: inout [WrittenManifest]
    ) async throws -> Artifact.Part {
        let config = try await CaptureError.wrapping(container) {
            try await container.target.putBlob(try ImageDocument.encode(image.config), mediaType: .ociConfig)
        }
        let manifest = image.manifest(config: config)
        let bytes = try ImageDocument.encode(manifest)
        written.append(WrittenManifest(repository: container.target, digest: .sha256(of: bytes)))
        let subject = Descriptor(of: bytes, mediaType: .ociManifest)
        // What a layout has is found by its index, and removed by what that names: the other way round a crash would leave
        // something there that nobody looks for.
        let isLayout = container.target is ImageLayoutRepository
        if !isLayout { try await attach(to: subject, image, of: container) }
        let descriptor = try await CaptureError.wrapping(container) {
            do {
                return try await container.target.putManifest(bytes, mediaType: .ociManifest, as: container.tag)
            } catch let error as RegistryError where error.isNotFound {
                // Whoever deleted the last image that had a layer of the parent has taken the layer along.
                try await container.parent.place(at: container.target)
                return try await container.target.putManifest(bytes, mediaType: .ociManifest, as: container.tag)
            }
        }
        if isLayout { try await attach(to: subject, image, of: container) }
        return Artifact.Part(
            container: container.container.name,
            reference: container.container.target,
            manifest: manifest,
            descriptor: descriptor,
            baseDigest: image.baseDigest
        )
    }

    /// Deletes the manifests of a capture that has failed, and their tags with them, also in a cancelled task.
    ///
    /// The sandbox may be frozen meanwhile, so this does not wait long for a store that does not answer.
    func withdraw(_ written: [WrittenManifest]) async {
        guard !written.isEmpty else { return }
        let logger = logger
        await uncancelled {
            await withTaskGroup(of: Void.self) { group in
                group.addTask {
                    for manifest in written {
                        do {
                            _ = try await manifest.repository.deleteManifest(manifest.digest)
                            let descriptor = Descriptor(mediaType: .ociManifest, digest: manifest.digest, size: 0)
                            try await ImageAttachments(to: descriptor, in: manifest.repository).remove()
                        } catch {
                            logger.warning(
                                "the manifest of a failed capture may be left",
                                metadata: [
                                    "repository": "\(manifest.repository.name)", "digest": "\(manifest.digest)",
                                    "error": "\(error)",
                                ]
                            )
                        }
                    }
                }
                group.addTask { try? await Task.sleep(for: Self.withdrawalPatience) }
                await group.next()
                group.cancelAll()
            }
        }
    }
}
