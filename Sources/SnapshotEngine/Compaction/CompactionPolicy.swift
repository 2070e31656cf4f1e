// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

/// Says when the snapshot layers of an image are merged before more are put on top of them.
public struct CompactionPolicy: Sendable, Hashable {
    /// The most layers that overlayfs mounts, with the container's own.
    static let mostLayers = 127
    /// How many layers a capture may add: the early copy, and what has changed since.
    static let mostAdded = 2

    /// How many snapshot layers an image has at most above its base's, 3 to 100: one that is merged of others, and two of
    /// a capture.
    public let limit: Int

    /// Creates a policy; a limit out of range is brought into it.
    public init(limit: Int = 16) {
        self.limit = min(max(limit, 3), 100)
    }

    /// Whether a snapshot of a container of this image merges first.
    func merges(_ stack: LayerStack) -> Bool {
        guard stack.snapshotLayers.count > 1 else { return false }
        return stack.snapshotLayers.count + Self.mostAdded > limit || !fits(stack.layers.count)
    }

    /// Whether a snapshot can go on top of so many layers.
    func fits(_ layers: Int) -> Bool { layers + Self.mostAdded <= Self.mostLayers }

    /// How many layers a snapshot goes on top of, if merging works.
    func expectedDepth(_ stack: LayerStack) -> Int {
        merges(stack) ? stack.baseLayers.count + 1 : stack.layers.count
    }
}
