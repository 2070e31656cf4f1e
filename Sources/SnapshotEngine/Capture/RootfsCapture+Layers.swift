// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Logging
import OCIRegistry
import SnapshotProvider

/// Bringing upper directories to the target, a layer each time.
extension RootfsCapture {
    /// How often a layer is read and sent at most.
    private static let layerAttempts = 3
    /// From how many bytes on a tree is copied before the freeze. Less is read in a moment, and costs a layer less.
    private static let smallTree: Int64 = 16 << 20
    /// Nobody watches the progress of a copy that takes no longer than this.
    private static let shortCopy = Duration.seconds(5)
    /// How many compressed pieces of at most about 1 MiB may wait for the target. Of a frozen tree many: the sooner it is
    /// read, the sooner a checkpoint runs on.
    private static let windows = (living: 12, frozen: 32)

    /// Copies what pays to be copied before the freeze.
    ///
    /// - Throws: `CaptureError`, `CancellationError`.
    public func copyEarly(_ prepared: PreparedCapture, meter: CaptureMeter) async throws -> EarlyCopy {
        var early = EarlyCopy()
        guard consistency == .live else {
            for container in prepared.containers { await tellSize(of: container, meter: meter) }
            return early
        }
        meter.enter(.copyingEarly)
        for container in prepared.containers {
            guard let mount = container.difference.overlay else {
                early.containers.append(nil)
                continue
            }
            early.containers.append(try await copyEarly(container, at: mount, meter: meter))
        }
        return early
    }

    private func copyEarly(
        _ container: PreparedContainer,
        at mount: OverlayMount,
        meter: CaptureMeter
    ) async throws -> EarlyCopy.Layer? {
        try await CaptureError.wrapping(container) {
            var writer = writer(for: mount)
            guard try await paysEarly(writer) else {
                // Before the freeze, which must not wait for it.
                await tellSize(of: container, meter: meter)
                return nil
            }
            writer.pass = .living
            // Beside the copy, and not for a short one: containerd has to look at every file, too.
            async let _: Void = tellSize(of: container, after: Self.shortCopy, meter: meter)
            let again = LayerRepetition(isPossible: { true }, afterReading: {})
            let (layer, record) = try await copyLayer(writer, of: container, meter: meter, again)
            return record.map { EarlyCopy.Layer(layer: layer, record: $0) }
        }
    }

    private func paysEarly(_ writer: LayerWriter) async throws -> Bool {
        try await onOwnThread("layer-size") { try writer.canCopyLiving() && writer.holds(atLeast: Self.smallTree) }
    }

    /// Has the meter know how much there is to copy, if containerd can tell.
    private func tellSize(
        of container: PreparedContainer,
        after delay: Duration = .zero,
        meter: CaptureMeter
    ) async {
        if delay > .zero { try? await Task.sleep(for: delay) }
        guard !Task.isCancelled else { return }
        let usage = try? await containerd.snapshotUsage(container.snapshotKey, snapshotter: container.snapshotter)
        if let usage { meter.expect(bytes: usage.size) }
    }

    private func writer(for mount: OverlayMount) -> LayerWriter {
        LayerWriter(mount: mount, options: LayerOptions(compression: compression.ofLayers))
    }

    /// What has to be asked and told when a layer is read.
    private struct LayerRepetition {
        /// Whether it can be read again.
        var isPossible: @Sendable () -> Bool
        /// Called when everything has been read.
        var afterReading: @Sendable () async throws -> Void
    }

    /// Copies what is not in an early copy, or everything if there is none, of a container that is frozen.
    ///
    /// - Parameters:
    ///   - beforeReadingAgain: Asked when the target has lost what it has not stored yet: whether it can be read again.
    ///   - afterReading: Called when everything has been read.
    /// - Returns: The layers, from the lowest on.
    func copyFrozen(
        _ container: PreparedContainer,
        after early: EarlyCopy.Layer?,
        meter: CaptureMeter,
        beforeReadingAgain: @escaping @Sendable () -> Bool,
        afterReading: @escaping @Sendable () async throws -> Void
    ) async throws -> [SnapshotImage.Layer] {
        let again = LayerRepetition(isPossible: beforeReadingAgain, afterReading: afterReading)
        return try await CaptureError.wrapping(container) {
            let mount: OverlayMount
            switch container.difference {
            case .upperDirectory(let found): mount = found
            case .diffService(let mounts):
                let layer = try await copyByDiffService(
                    container,
                    mounts: mounts,
                    meter: meter,
                    afterReading: afterReading
                )
                return [layer]
            }
            var writer = writer(for: mount)
            if let early {
                do {
                    let changes = try await copyChanges(writer, of: container, since: early, meter, again)
                    return [early.layer, changes].compactMap(\.self)
                } catch RootfsError.changed(let path, let detail) {
                    logger.warning(
                        "what was copied before the freeze is of no use; everything is copied again",
                        metadata: [
                            "container": "\(container.container.name)", "path": "\(path)", "detail": "\(detail)",
                        ]
                    )
                }
            }
            writer.pass = .whole
            return [try await copyLayer(writer, of: container, meter: meter, again).layer].compactMap(\.self)
        }
    }

    private func copyChanges(
        _ writer: LayerWriter,
        of container: PreparedContainer,
        since early: EarlyCopy.Layer,
        _ meter: CaptureMeter,
        _ again: LayerRepetition
    ) async throws -> SnapshotImage.Layer? {
        var writer = writer
        writer.pass = .changes(since: early.record)
        do {
            return try await copyLayer(writer, of: container, meter: meter, again).layer
        } catch let torn as TornLinks {
            writer.pass = .changes(since: early.record, copying: torn.files)
            return try await copyLayer(writer, of: container, meter: meter, again).layer
        }
    }

    /// Copies one layer from the upper directory to the target; nil if there is nothing in it.
    ///
    /// Nothing of a layer is kept, so one that the target has lost half-way is read again: whoever froze the container
    /// ends this when the freeze does.
    private func copyLayer(
        _ writer: LayerWriter,
        of container: PreparedContainer,
        meter: CaptureMeter,
        _ again: LayerRepetition
    ) async throws -> (layer: SnapshotImage.Layer?, record: CopyRecord?) {
        var attempt = 1
        while true {
            let share = CaptureMeter.Share(of: meter)
            do {
                return try await streamLayer(writer, to: container, share, again.afterReading)
            } catch let error as RegistryError where error.kind == .uploadLost {
                try Task.checkCancellation()
                guard again.isPossible() else {
                    throw CaptureError(
                        .layerLost,
                        "the target has lost a layer of container \(container.container.name) after the sandbox was "
                            + "thawed, so that it cannot be read again: try again",
                        cause: error
                    )
                }
                guard attempt < Self.layerAttempts else { throw error }
                share.takeBack()
                attempt += 1
                logger.warning(
                    "the target has lost a layer half-way; it is read and sent again",
                    metadata: [
                        "container": "\(container.container.name)", "attempt": "\(attempt)", "error": "\(error)",
                    ]
                )
            }
        }
    }

    private func streamLayer(
        _ writer: LayerWriter,
        to container: PreparedContainer,
        _ share: CaptureMeter.Share,
        _ afterReading: @Sendable () async throws -> Void
    ) async throws -> (layer: SnapshotImage.Layer?, record: CopyRecord?) {
        let isLiving = if case .living = writer.pass { true } else { false }
        let window = isLiving ? Self.windows.living : Self.windows.frozen
        return try await withLayerStream(writer, window: window) { stream in
            let upload = try await container.target.startUpload()
            do {
                try await withThrowingTaskGroup(of: Void.self) { group in
                    group.addTask {
                        // Else the thread would wait for somebody to take what it has made.
                        defer { stream.cancel() }
                        for try await chunk in stream {
                            try await upload.write(chunk)
                            share.set(bytesRead: stream.progress.bytesRead, bytesWritten: stream.progress.bytesWritten)
                        }
                    }
                    if await stream.isRead() { try await afterReading() }
                    try await group.waitForAll()
                }
                let summary = try stream.summary()
                guard !summary.isEmpty else {
                    await upload.cancel()
                    return (nil, summary.record)
                }
                let digest = try Digest(parsing: summary.digest)
                let size = try await upload.commit(digest)
                report(summary, of: container)
                let layer = SnapshotImage.Layer(
                    descriptor: Descriptor(mediaType: summary.mediaType, digest: digest, size: size),
                    diffID: try Digest(parsing: summary.diffID)
                )
                return (layer, summary.record)
            } catch {
                await upload.cancel()
                throw error
            }
        }
    }

    private func report(_ summary: LayerSummary, of container: PreparedContainer) {
        logger.info(
            "captured",
            metadata: [
                "container": "\(container.container.name)", "digest": "\(summary.digest)",
                "tar": "\(summary.uncompressedSize)", "compressed": "\(summary.compressedSize)",
                "entries": "\(summary.counts.entries)", "sockets": "\(summary.counts.skippedSockets)",
            ]
        )
    }
}
