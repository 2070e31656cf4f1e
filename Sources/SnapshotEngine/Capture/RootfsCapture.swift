// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

public import Logging
import OCIRegistry
public import SandboxModels
import SnapshotProvider

/// Captures the root filesystems of a sandbox's containers as OCI images.
///
/// A capture has two halves with the freeze between them: `prepare` refuses what cannot work and does whatever takes
/// time without needing the freeze; `copy` needs the sandbox frozen from before its call until after its return.
public struct RootfsCapture: Sendable {
    let containerd: ContainerdClient
    let repositories: ImageRepositories
    let logger: Logger

    /// The name of the provider in the artifacts made here.
    public static let providerName = "oci-rootfs"

    /// Creates a capture that finds containers through one client, whose namespace must be that of the containers.
    public init(containerd: ContainerdClient, repositories: ImageRepositories, logger: Logger) {
        self.containerd = containerd
        self.repositories = repositories
        self.logger = logger
    }

    /// Reads the difference of each container to its image, stores it as a layer, puts an image around it, and reads
    /// back from the store that all of it is there. One pass, nothing on disk, memory bounded.
    ///
    /// - Parameters:
    ///   - prepared: What `prepare` gave.
    ///   - meter: Where it is told how far this is.
    ///   - afterReading: Called once when everything has been read and the freeze is needed no more.
    /// - Throws: `CaptureError`, `CancellationError`, what `afterReading` throws. The target then has no manifest and no
    ///   tag of this capture, at most blobs that nothing refers to; unless it became unreachable at the very end.
    public func copy(
        _ prepared: PreparedCapture,
        meter: CaptureMeter,
        afterReading: @Sendable () async throws -> Void = {}
    ) async throws -> Artifact {
        meter.enter(.copying)
        var layers: [SnapshotImage.Layer?] = []
        for container in prepared.containers {
            layers.append(try await copyLayer(of: container, meter: meter))
        }
        meter.enter(.committing)
        try await checkStillFrozen(prepared)
        try await afterReading()
        var written: [WrittenManifest] = []
        do {
            let artifact = try await commit(prepared, layers, written: &written)
            meter.enter(.verifying)
            try await ArtifactStore(repositories: repositories).verify(artifact)
            meter.enter(.done)
            return artifact
        } catch {
            await withdraw(written)
            throw error
        }
    }

    /// How often a layer is read and sent at most.
    private static let layerAttempts = 3

    /// Copies one layer from the upper directory to the target; nil if there is nothing in it.
    ///
    /// Nothing of a layer is kept, so one that the target has lost half-way is read again: the container is still
    /// frozen, and whoever froze it ends this when the freeze does.
    private func copyLayer(
        of container: PreparedContainer,
        meter: CaptureMeter
    ) async throws -> SnapshotImage.Layer? {
        let before = meter.current
        return try await CaptureError.wrapping(container) {
            var attempt = 1
            while true {
                do {
                    return try await streamLayer(of: container, meter: meter, since: before)
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
    }

    /// Streams one layer from the upper directory to the target; nil if there is nothing in it.
    private func streamLayer(
        of container: PreparedContainer,
        meter: CaptureMeter,
        since before: SnapshotProgress
    ) async throws -> SnapshotImage.Layer? {
        try await withLayerStream(LayerWriter(mount: container.mount)) { stream in
            let upload = try await container.target.startUpload()
            do {
                for try await chunk in stream {
                    try await upload.write(chunk)
                    meter.set(
                        bytesRead: before.bytesRead + stream.progress.bytesRead,
                        bytesWritten: before.bytesWritten + stream.progress.bytesWritten
                    )
                }
                let summary = try stream.summary()
                guard !summary.isEmpty else {
                    await upload.cancel()
                    return nil
                }
                let digest = try Digest(parsing: summary.digest)
                let size = try await upload.commit(digest)
                report(summary, of: container)
                return SnapshotImage.Layer(
                    descriptor: Descriptor(mediaType: .ociLayerGzip, digest: digest, size: size),
                    diffID: try Digest(parsing: summary.diffID)
                )
            } catch {
                await upload.cancel()
                throw error
            }
        }
    }

    /// Checks that what was read was one instant: the same containers, still frozen, their snapshots still there.
    private func checkStillFrozen(_ prepared: PreparedCapture) async throws {
        for container in prepared.containers {
            let id = container.container.id
            do {
                let task = try await containerd.task(id)
                guard task.status == .paused, task.pid == container.pid else {
                    throw CaptureError(
                        .freezeLost,
                        "container \(id) was thawed or restarted while it was being captured, so what was read is not "
                            + "one instant"
                    )
                }
                _ = try await containerd.snapshot(container.snapshotKey, snapshotter: container.snapshotter)
            } catch let error as ContainerdError {
                throw CaptureError(error, gone: .freezeLost, "container \(id) went away while it was being captured")
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
