// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import OCIRegistry
import SnapshotProvider
import SnapshotStore
import Testing

@testable import SnapshotEngine

/// When layers are merged, and what the image says about it.
@Suite
struct CompactionPolicyTests {
    /// An image of some layers, of which so many are its base's; nil for an image that is no snapshot.
    static func image(layers count: Int, base: Int?, counted: Int? = nil, history: [Bool]? = nil) -> Image {
        let digests = (0..<count).map { Digest.sha256(of: [UInt8($0)]) }
        let layers = digests.map { Descriptor(mediaType: .ociLayerGzip, digest: $0, size: 1) }
        var config = ImageConfig(platform: .current, rootfs: ImageConfig.RootFS(diffIDs: digests))
        config.history = (history ?? Array(repeating: false, count: count)).enumerated().map { number, isEmpty in
            ImageConfig.History(createdBy: "step \(number)", emptyLayer: isEmpty ? true : nil)
        }
        if let base {
            config.config.labels = [
                SnapshotLabels.uid: "u", SnapshotLabels.baseLayers: "\(base)",
                SnapshotLabels.layers: "\(counted ?? count)",
                SnapshotLabels.baseDigest: "sha256:base",
            ]
        }
        let descriptor = Descriptor(of: Array("config".utf8), mediaType: .ociConfig)
        return Image(
            descriptor: Descriptor(of: Array("manifest".utf8), mediaType: .ociManifest),
            manifest: ImageManifest(config: descriptor, layers: layers),
            config: config
        )
    }

    @Test(
        "layers are merged before they are too many",
        arguments: [
            // layers, base's, limit, whether they are merged, what is expected below
            (3, nil, 16, false, 3), (120, nil, 16, false, 120), (17, 3, 16, false, 17), (18, 3, 16, true, 4),
            (30, 3, 16, true, 4), (5, 3, 3, true, 4), (4, 3, 3, false, 4), (4, 3, 1, false, 4), (3, 3, 3, false, 3),
            // However few they are, if the base has many.
            (125, 110, 100, false, 125), (126, 110, 100, true, 111), (126, 125, 16, false, 126),
        ] as [(Int, Int?, Int, Bool, Int)]
    )
    func merges(layers: Int, base: Int?, limit: Int, merges: Bool, depth: Int) {
        let policy = CompactionPolicy(limit: limit)
        let stack = LayerStack(Self.image(layers: layers, base: base))
        #expect(policy.merges(stack) == merges)
        #expect(policy.expectedDepth(stack) == depth)
        #expect(policy.fits(depth) == (depth <= 125))
    }

    @Test("depth is bounded for ever, however many layers each capture adds", arguments: [1, 2], [3, 16, 100])
    func bounded(added: Int, limit: Int) {
        let policy = CompactionPolicy(limit: limit)
        var count = 5
        for _ in 0..<1000 {
            let stack = LayerStack(Self.image(layers: count, base: 5))
            count = policy.expectedDepth(stack) + added
            #expect(count <= 5 + limit)
        }
        #expect(count > 6)
    }

    @Test("labels that are not ours, or not true any more, make all layers the base's")
    func foreign() {
        for image in [
            Self.image(layers: 4, base: nil), Self.image(layers: 4, base: 5), Self.image(layers: 4, base: -1),
            // Built on top of a snapshot.
            Self.image(layers: 4, base: 2, counted: 3),
        ] {
            let stack = LayerStack(image)
            #expect(stack.baseCount == 4 && !stack.isSnapshot && stack.snapshotLayers.isEmpty)
        }
        let stack = LayerStack(Self.image(layers: 4, base: 2))
        #expect(stack.baseCount == 2 && stack.isSnapshot && stack.snapshotLayers.count == 2)
    }

    @Test("there is one entry of history for each layer, and those of the base stay")
    func history() {
        // The base: a layer, a command, a layer, a command. Snapshots: a layer, none, two layers.
        let image = Self.image(layers: 5, base: 2, history: [false, true, false, true, false, true, false, false])
        let layer = SnapshotImage.Layer(
            descriptor: Descriptor(mediaType: .ociLayerGzip, digest: .sha256(of: [9]), size: 3),
            diffID: .sha256(of: [8])
        )
        let stack = LayerStack(image).merged(into: layer, sandbox: "box", created: "now")
        #expect(stack.layers == image.manifest.layers[..<2] + [layer.descriptor])
        #expect(stack.diffIDs == image.config.rootfs.diffIDs[..<2] + [layer.diffID])
        #expect(stack.history.map(\.createdBy) == ["step 0", "step 1", "step 2", "step 3", "stasis snapshots of box"])
        #expect(stack.history.last?.comment == "3 snapshot layers merged into one")
        #expect(stack.history.filter { $0.emptyLayer != true }.count == stack.layers.count)
    }
}
