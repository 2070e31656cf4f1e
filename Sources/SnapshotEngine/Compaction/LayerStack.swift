// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import OCIRegistry
import SnapshotStore

/// The layers that a snapshot is put on top of: those of its base, and above them those of snapshots.
struct LayerStack: Sendable, Hashable {
    /// The layers, lowest first.
    private(set) var layers: [Descriptor]
    /// What they unpack to.
    private(set) var diffIDs: [Digest]
    /// How they came to be.
    private(set) var history: [ImageConfig.History]
    /// How many of them are the base's.
    let baseCount: Int
    /// Whether the image is a snapshot, and not merely made from one.
    let isSnapshot: Bool

    /// The layers of an image. Only labels of our own tell which are the base's: of any other image all are.
    init(_ image: Image) {
        layers = image.manifest.layers
        diffIDs = image.config.rootfs.diffIDs
        history = image.config.history
        let labels = image.config.config.labels ?? [:]
        // Whoever builds an image on top of a snapshot inherits its labels.
        let ours = SnapshotLabels.areOfSnapshot(labels, layers: layers.count)
        let count = ours ? labels[SnapshotLabels.baseLayers].flatMap { Int($0) } : nil
        if let count, (0...layers.count).contains(count) {
            (baseCount, isSnapshot) = (count, true)
        } else {
            (baseCount, isSnapshot) = (layers.count, false)
        }
    }

    /// The layers of the base.
    var baseLayers: ArraySlice<Descriptor> { layers[..<baseCount] }
    /// The layers of snapshots.
    var snapshotLayers: ArraySlice<Descriptor> { layers[baseCount...] }
    /// What those unpack to.
    var snapshotDiffIDs: ArraySlice<Digest> { diffIDs[baseCount...] }

    /// The same with one layer in the place of all snapshot layers.
    func merged(into layer: SnapshotImage.Layer, sandbox: String, created: String) -> LayerStack {
        var stack = self
        let count = snapshotLayers.count
        stack.layers = Array(baseLayers) + [layer.descriptor]
        stack.diffIDs = Array(diffIDs[..<baseCount]) + [layer.diffID]
        // The last entries are ours, among them some of snapshots without a layer.
        var left = count
        while left > 0, let last = stack.history.popLast() {
            if last.emptyLayer != true { left -= 1 }
        }
        stack.history.append(
            ImageConfig.History(
                created: created,
                createdBy: "stasis snapshots of \(sandbox)",
                comment: "\(count) snapshot layers merged into one"
            )
        )
        return stack
    }
}
