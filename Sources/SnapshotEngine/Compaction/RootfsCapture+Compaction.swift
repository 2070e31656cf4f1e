// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Logging
import NIOCore
import OCIRegistry
import SnapshotProvider

import struct Foundation.Date

/// Keeping the number of layers bounded: when a snapshot would have too many, those of the snapshots before it are merged
/// into one. The sandbox runs meanwhile, and the images of those snapshots stay as they are.
extension RootfsCapture {
    /// What the layers of a snapshot are put on top of: the parent's, or the parent's with its snapshot layers merged.
    ///
    /// Merging that fails is no reason not to capture, as long as the layers are not too many for anybody to mount.
    ///
    /// - Throws: `CaptureError` with `tooManyLayers`, `CancellationError`.
    func stack(for container: PreparedContainer, meter: CaptureMeter) async throws -> LayerStack {
        var stack = container.stack
        if compaction.merges(stack) {
            meter.enter(.compacting)
            do {
                stack = try await merge(stack, of: container, meter: meter)
            } catch {
                try Task.checkCancellation()
                logger.warning(
                    "the layers of earlier snapshots are not merged; they stay one on top of the other",
                    metadata: [
                        "container": "\(container.container.name)", "layers": "\(stack.layers.count)",
                        "error": "\(error)",
                    ]
                )
            }
        }
        try checkDepth(stack.layers.count, of: container.container.name, image: container.container.image)
        return stack
    }

    /// Refuses what nobody could start.
    func checkDepth(_ layers: Int, of container: String, image: String) throws(CaptureError) {
        guard compaction.fits(layers) else {
            throw CaptureError(
                .tooManyLayers,
                "the image \(image) of container \(container) has \(layers) layers already, and with those of a snapshot "
                    + "no runtime takes more than \(CompactionPolicy.mostLayers): rebuild it with fewer"
            )
        }
    }

    private func merge(
        _ stack: LayerStack,
        of container: PreparedContainer,
        meter: CaptureMeter
    ) async throws -> LayerStack {
        // Without the base nobody knows what of it a whiteout hides.
        guard let directories = container.difference.overlay?.lowerDirectories, directories.count == stack.layers.count
        else { throw CompactionObstacle.unknownBase }
        let layers = Array(stack.snapshotLayers.reversed())
        let merge = LayerMerge(
            diffIDs: stack.snapshotDiffIDs.reversed(),
            base: LowerView(directories: directories.suffix(stack.baseCount)),
            compression: compression.ofLayers
        )
        let sources = container.parent.sources(at: container.target)
        let open: @Sendable (Int) async throws -> BlobBody = { try await sources.blob(layers[$0]) }

        let index = try await withBlobFeed(count: layers.count, open: open) { feed in
            try await onOwnThread("layer-index") { try merge.index(feed, progress: LayerProgress()) }
        }
        var merged: SnapshotImage.Layer?
        // What is merged is not part of what is captured.
        let share = CaptureMeter.Share(of: meter)
        defer { share.takeBack() }
        try await repeatingLostUploads {
            merged = try await withBlobFeed(count: layers.count, open: open) { feed in
                try await store(merge, index, from: feed, at: container.target, share: share)
            }
        }
        guard let merged else { return stack }
        logger.info(
            "merged",
            metadata: [
                "container": "\(container.container.name)", "layers": "\(layers.count)",
                "digest": "\(merged.descriptor.digest)", "compressed": "\(merged.descriptor.size)",
            ]
        )
        return stack.merged(
            into: merged,
            sandbox: container.sandbox,
            created: Date().formatted(.iso8601)
        )
    }

    /// The second pass, on its way to the target.
    private func store(
        _ merge: LayerMerge,
        _ index: MergeIndex,
        from feed: BlobFeed,
        at target: any ImageRepository,
        share: CaptureMeter.Share
    ) async throws -> SnapshotImage.Layer {
        try await withLayerStream { progress, sink in
            try merge.write(feed, by: index, progress: progress, to: sink)
        } body: { stream in
            // The thread may be waiting for bytes.
            defer { feed.fail(CancellationError()) }
            var summary: LayerSummary?
            let size = try await target.upload { upload in
                for try await chunk in stream {
                    try await upload.write(chunk)
                    share.set(bytesRead: stream.progress.bytesRead, bytesWritten: stream.progress.bytesWritten)
                }
                let made = try stream.summary()
                summary = made
                return try Digest(parsing: made.digest)
            }
            guard let summary else { throw RootfsError.unfinished }
            return SnapshotImage.Layer(
                descriptor: Descriptor(
                    mediaType: summary.mediaType,
                    digest: try Digest(parsing: summary.digest),
                    size: size
                ),
                diffID: try Digest(parsing: summary.diffID)
            )
        }
    }
}

/// Places that may have a blob, in the order in which they are asked.
struct BlobSources: Sendable {
    var sources: [any ImageSource]

    /// Opens a blob where it is.
    func blob(_ layer: Descriptor) async throws -> BlobBody {
        var failure: (any Error)?
        for source in sources {
            do {
                return try await source.blob(layer)
            } catch {
                try Task.checkCancellation()
                failure = failure ?? error
            }
        }
        throw failure ?? CancellationError()
    }
}

extension ParentImage {
    /// Where the layers can be read once they are at the target: a folder is as near as this machine's own store, which is
    /// nearer than a registry.
    func sources(at target: any ImageRepository) -> BlobSources {
        BlobSources(sources: target is RegistryRepository ? [node, target, origin] : [target, node, origin])
    }
}
