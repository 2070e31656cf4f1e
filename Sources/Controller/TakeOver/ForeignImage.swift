// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import OCIRegistry
public import SandboxModels
public import SnapshotProvider
import SnapshotStore

/// An image that another controller has made of a container.
public struct ForeignImage: Sendable, Hashable {
    /// The container's name.
    public var container: String
    /// Where the image is: `registry/repository:tag`.
    public var reference: String

    /// Creates one.
    public init(container: String, reference: String) {
        self.container = container
        self.reference = reference
    }
}

extension JobSnapshotProvider {
    /// The artifact that another controller's images are, with the digests that their registry has for them now: what such a
    /// controller calls a digest may be that of something else.
    ///
    /// - Parameter namespace: That of the sandbox: where the Secrets for the registry are.
    public func artifact(of images: [ForeignImage], in namespace: String) async -> Step<Artifact> {
        let named = Artifact(
            provider: name,
            parts: images.map {
                Artifact.Part(container: $0.container, reference: $0.reference, digest: "", size: 0)
            },
            platform: ""
        )
        return await asking(named, in: namespace) { store in
            var artifact = named
            for index in artifact.parts.indices {
                try await find(&artifact.parts[index], in: store)
            }
            return artifact
        }
    }

    /// Finds the digest of a part.
    private func find(_ part: inout Artifact.Part, in store: ArtifactStore) async throws {
        let location = try ImageLocation(parsing: part.reference)
        guard let reference = location.manifestReference else { return }
        do {
            let content = try await store.repositories.repository(of: location).manifest(reference, for: .current)
            part.digest = content.descriptor.digest.description
            let manifest = try content.imageManifest()
            part.layers = manifest.layers.count
            part.size = manifest.blobs.reduce(Int64(content.descriptor.size)) { $0 + Int64($1.size) }
        } catch let error as RegistryError where error.isNotFound {
            throw ArtifactStoreError(
                .notVerified,
                "the image \(part.reference) of container \(part.container) is not in its registry: put it back, or delete the "
                    + "sandbox",
                cause: error
            )
        } catch let error as RegistryError {
            throw ArtifactStoreError(
                .unavailable,
                "the image \(part.reference) of container \(part.container) could not be looked up",
                cause: error
            )
        }
    }
}
