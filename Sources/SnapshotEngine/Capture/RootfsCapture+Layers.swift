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
    /// How many compressed pieces of at most about 1 MiB may wait for the target. Of a frozen tree many: the sooner it is
    /// read, the sooner a checkpoint runs on.
    private static let windows = (living: 4, frozen: 32)

    /// Copies what pays to be copied before the freeze.
    ///
    /// - Throws: `CaptureError`, `CancellationError`.
    public func copyEarly(_ prepared: PreparedCapture, meter: CaptureMeter) async throws -> EarlyCopy {
        var early = EarlyCopy()
        guard consistency == .live else { return early }
        meter.enter(.copyingEarly)
        for container in prepared.containers {
            early.containers.append(try await copyEarly(container, meter: meter))
        }
        return early
    }

    private func copyEarly(_ container: PreparedContainer, meter: CaptureMeter) async throws -> EarlyCopy.Layer? {
        try await CaptureError.wrapping(container) {
            var writer = LayerWriter(mount: container.mount)
            guard container.expectedBytes >= Self.smallTree, try writer.canCopyLiving() else { return nil }
            writer.pass = .living
            let (layer, record) = try await copyLayer(writer, of: container, meter: meter) {}
            return record.map { EarlyCopy.Layer(layer: layer, record: $0) }
        }
    }

    /// Copies what is not in an early copy, or everything if there is none, of a container that is frozen.
    ///
    /// - Parameter afterReading: Called when everything has been read.
    /// - Returns: The layers, from the lowest on.
    func copyFrozen(
        _ container: PreparedContainer,
        after early: EarlyCopy.Layer?,
        meter: CaptureMeter,
        afterReading: @Sendable () async throws -> Void
    ) async throws -> [SnapshotImage.Layer] {
        try await CaptureError.wrapping(container) {
            var writer = LayerWriter(mount: container.mount)
            if let early {
                do {
                    let changes = try await copyChanges(writer, of: container, since: early, meter, afterReading)
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
            let layer = try await copyLayer(writer, of: container, meter: meter, afterReading: afterReading).layer
            return [layer].compactMap(\.self)
        }
    }

    private func copyChanges(
        _ writer: LayerWriter,
        of container: PreparedContainer,
        since early: EarlyCopy.Layer,
        _ meter: CaptureMeter,
        _ afterReading: @Sendable () async throws -> Void
    ) async throws -> SnapshotImage.Layer? {
        var writer = writer
        writer.pass = .changes(since: early.record)
        do {
            return try await copyLayer(writer, of: container, meter: meter, afterReading: afterReading).layer
        } catch let torn as TornLinks {
            writer.pass = .changes(since: early.record, copying: torn.files)
            return try await copyLayer(writer, of: container, meter: meter, afterReading: afterReading).layer
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
        afterReading: @Sendable () async throws -> Void
    ) async throws -> (layer: SnapshotImage.Layer?, record: CopyRecord?) {
        let before = meter.current
        var attempt = 1
        while true {
            do {
                return try await streamLayer(writer, to: container, meter, since: before, afterReading)
            } catch let error as RegistryError where error.kind == .uploadLost && attempt < Self.layerAttempts {
                try Task.checkCancellation()
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
        _ meter: CaptureMeter,
        since before: SnapshotProgress,
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
                            meter.set(
                                bytesRead: before.bytesRead + stream.progress.bytesRead,
                                bytesWritten: before.bytesWritten + stream.progress.bytesWritten
                            )
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
