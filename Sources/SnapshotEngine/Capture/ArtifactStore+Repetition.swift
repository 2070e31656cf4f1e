// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import OCIRegistry
public import SandboxModels
public import SnapshotStore

/// Recognising what an earlier capture of the same snapshot has stored.
extension ArtifactStore {
    /// The artifact that an earlier capture has left, complete and verified.
    ///
    /// It is the same snapshot if the labels of every image say so, and if all of them were captured together. It is a
    /// valid result for a sandbox that runs on. For one that is to be held frozen it is none: what the sandbox has done
    /// since would be lost.
    ///
    /// - Parameters:
    ///   - uid: The snapshot's uid.
    ///   - podUID: The UID of the pod.
    ///   - containers: The containers' names and where their images go.
    /// - Returns: Nil if any of the images is missing, incomplete or another one.
    /// - Throws: `CaptureError` with `targetUnavailable` if the store cannot be asked, with `invalidRequest` if a target is
    ///   none; `CancellationError`.
    public func artifact(
        ofSnapshot uid: String,
        podUID: String,
        containers: [(name: String, target: String)]
    ) async throws -> Artifact? {
        var parts: [Artifact.Part] = []
        var captured: Set<String?> = []
        var platform = Platform.current
        for container in containers {
            guard let image = try await image(at: container.target) else { return nil }
            let labels = image.config.config.labels ?? [:]
            captured.insert(image.config.created)
            guard labels[SnapshotLabels.uid] == uid, labels[SnapshotLabels.podUID] == podUID,
                labels[SnapshotLabels.container] == container.name, captured.count == 1
            else { return nil }
            platform = image.config.platform
            parts.append(
                Artifact.Part(
                    container: container.name,
                    reference: container.target,
                    manifest: image.manifest,
                    descriptor: image.descriptor,
                    baseDigest: labels[SnapshotLabels.baseDigest]
                )
            )
        }
        let artifact = Artifact(
            provider: RootfsCapture.providerName,
            parts: parts,
            platform: platform.description
        )
        do {
            try await verify(artifact)
        } catch let error as ArtifactStoreError {
            guard error.reason == .notVerified else { throw CaptureError(error) }
            return nil
        }
        return artifact
    }

    /// The image that a tag names; nil if there is none that can be used.
    private func image(at target: String) async throws -> Image? {
        do {
            let location = try ImageLocation(parsing: target)
            return try await repositories.repository(of: location).image(try location.requiredReference)
        } catch let error as RegistryError {
            switch error.kind {
            case .malformedDocument, .digestMismatch, .sizeMismatch, .noSuchPlatform, .tooLarge: return nil
            case _ where error.isNotFound: return nil
            case .invalidReference:
                throw CaptureError(.invalidRequest, "the image reference '\(target)' cannot be used", cause: error)
            default:
                throw CaptureError(.targetUnavailable, "nobody can tell what is at \(target) now", cause: error)
            }
        }
    }
}

extension Artifact.Part {
    /// The part that an image is, with its size and depth.
    init(
        container: String,
        reference: String,
        manifest: ImageManifest,
        descriptor: Descriptor,
        baseDigest: String?
    ) {
        self.init(
            container: container,
            reference: reference,
            digest: descriptor.digest.description,
            size: manifest.blobs.reduce(descriptor.size) { $0 + $1.size },
            layers: manifest.layers.count,
            baseDigest: baseDigest
        )
    }
}
