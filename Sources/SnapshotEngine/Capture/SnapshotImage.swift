// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import OCIRegistry
import SnapshotProvider
import SnapshotStore

/// Puts the image of a snapshot together: the parent image and what was captured on top of it.
struct SnapshotImage {
    /// A captured layer as it is in the store.
    struct Layer {
        /// The blob.
        var descriptor: Descriptor
        /// The digest of the tar in it.
        var diffID: Digest
    }

    /// The image that the container was started from.
    var parent: Image
    /// What the captured layers are put on top of: the parent's layers, or what they were merged into.
    var stack: LayerStack
    /// What was captured, from the lowest on; nothing if the container had changed nothing.
    var layers: [Layer]
    /// Who and what was captured.
    var request: SnapshotRequest
    /// The container in it.
    var container: SnapshotContainer
    /// When, RFC 3339.
    var created: String

    /// The parent's config with a history entry and a diff ID for each layer, our labels, and what the container's pod had
    /// replaced of it, as far as that is known. Everything else, known to us or not, stays: a container started from the
    /// snapshot behaves like the one that was captured.
    var config: ImageConfig {
        var config = parent.config
        config.created = created
        config.rootfs.diffIDs = stack.diffIDs + layers.map(\.diffID)
        config.history = stack.history
        // A snapshot without a difference leaves an entry, too.
        for index in 0..<max(layers.count, 1) {
            config.history.append(
                ImageConfig.History(
                    created: created,
                    createdBy: "stasis snapshot of \(request.source.sandbox)",
                    emptyLayer: index < layers.count ? nil : true
                )
            )
        }
        if let execution = container.execution { config.config.apply(execution) }
        var labels = config.config.labels ?? [:]
        // The parent's may be of another pod.
        for label in [SnapshotLabels.limits, SnapshotLabels.requests, SnapshotLabels.environment] {
            labels[label] = container.execution?.labels[label]
        }
        labels[SnapshotLabels.sandbox] = request.source.sandbox
        labels[SnapshotLabels.namespace] = request.source.namespace
        labels[SnapshotLabels.pod] = request.source.pod
        labels[SnapshotLabels.container] = container.name
        labels[SnapshotLabels.uid] = request.uid
        labels[SnapshotLabels.podUID] = request.source.podUID
        labels[SnapshotLabels.node] = request.source.node
        labels[SnapshotLabels.parentDigest] = parent.descriptor.digest.description
        labels[SnapshotLabels.baseDigest] = baseDigest
        labels[SnapshotLabels.baseLayers] = "\(stack.baseCount)"
        labels[SnapshotLabels.layers] = "\(stack.layers.count + layers.count)"
        config.config.labels = labels
        return config
    }

    /// The digest of the image at the bottom of the stack.
    var baseDigest: String {
        let inherited = stack.isSnapshot ? parent.config.config.labels?[SnapshotLabels.baseDigest] : nil
        return inherited ?? parent.descriptor.digest.description
    }

    /// The manifest, always of OCI's types: Docker's layers are the same bytes under another name.
    func manifest(config: Descriptor) -> ImageManifest {
        let lower = stack.layers.map { layer in
            var layer = layer
            layer.mediaType = layer.mediaType.ociEquivalent
            return layer
        }
        return ImageManifest(config: config, layers: lower + layers.map(\.descriptor))
    }
}
