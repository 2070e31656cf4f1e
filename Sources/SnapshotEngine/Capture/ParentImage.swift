// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import OCIRegistry

/// The image that a container was started from, and everywhere its parts can be read.
struct ParentImage: Sendable {
    /// The image.
    let image: Image
    /// Where it is said to be.
    let origin: any ImageRepository
    /// What this machine has of it.
    let node: any ImageSource

    /// Reads manifest and config: from this machine if they are named by digest and there, else from where they are said
    /// to be.
    init(_ reference: ManifestReference, origin: any ImageRepository, node: any ImageSource) async throws {
        self.origin = origin
        self.node = node
        if case .digest = reference, let image = try? await node.image(reference) {
            self.image = image
        } else {
            image = try await origin.image(reference)
        }
    }

    /// Brings all layers to where the snapshot will be, before anything is frozen: left alone where they are there,
    /// mounted from another repository of the same registry, else copied from this machine, else from where the image
    /// is said to be.
    ///
    /// - Throws: `CaptureError` with `baseImageUnavailable` if a layer is nowhere to be had; what writing to the target
    ///   throws.
    func place(at target: any ImageRepository) async throws {
        for layer in image.manifest.layers where !layer.mediaType.isNondistributable {
            guard try await target.blobSize(layer.digest) == nil else { continue }
            if try await mount(layer.digest, at: target) { continue }
            let isHere = (try? await node.blobSize(layer.digest)) == layer.size
            if isHere, (try? await copyBlob(layer, from: node, to: target)) != nil { continue }
            try Task.checkCancellation()
            try await checkOrigin(has: layer)
            try await copyBlob(layer, from: origin, to: target)
        }
    }

    /// Finds out whether `place` can bring all layers there, without bringing any.
    ///
    /// - Returns: How many are there, and how many have to be brought.
    /// - Throws: What `place` throws.
    func checkPlaceable(at target: any ImageRepository) async throws -> (present: Int, missing: Int) {
        var counts = (present: 0, missing: 0)
        for layer in image.manifest.layers where !layer.mediaType.isNondistributable {
            if try await target.blobSize(layer.digest) != nil {
                counts.present += 1
                continue
            }
            counts.missing += 1
            let isHere = (try? await node.blobSize(layer.digest)) == layer.size
            if !isHere { try await checkOrigin(has: layer) }
        }
        return counts
    }

    /// Tells a place that does not give the image from one that does not take the snapshot.
    private func checkOrigin(has layer: Descriptor) async throws {
        let size: Int64?
        do {
            size = try await origin.blobSize(layer.digest)
        } catch let error as RegistryError {
            throw CaptureError(
                .baseImageUnavailable,
                "the layer \(layer.digest) of the image is not on this machine, and \(origin.name) does not give it",
                cause: error
            )
        }
        guard size != nil else {
            throw CaptureError(
                .baseImageUnavailable,
                "the layer \(layer.digest) of the image is neither on this machine nor in \(origin.name)"
            )
        }
    }

    private func mount(_ digest: Digest, at target: any ImageRepository) async throws -> Bool {
        guard let from = origin as? RegistryRepository, let to = target as? RegistryRepository,
            from.reference.domain == to.reference.domain, from.reference.repository != to.reference.repository
        else { return false }
        return try await to.mountBlob(digest, from: from.reference.repository)
    }
}
