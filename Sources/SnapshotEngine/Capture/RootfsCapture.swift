// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

public import Logging
import OCIRegistry
public import SandboxModels
import SnapshotProvider
public import SnapshotStore

/// Captures the root filesystems of a sandbox's containers as OCI images.
///
/// A capture has two halves with the freeze between them: `prepare` and `copyEarly` refuse what cannot work and do
/// whatever takes time without needing the freeze; `copy` needs the sandbox frozen from before its call until it says
/// that everything has been read.
public struct RootfsCapture: Sendable {
    let containerd: ContainerdClient
    let repositories: ImageRepositories
    let consistency: CaptureConsistency
    let compression: CaptureCompression
    let compaction: CompactionPolicy
    let usesDiffService: Bool
    let signer: SnapshotSigner?
    let logger: Logger

    /// The name of the provider in the artifacts made here.
    public static let providerName = "oci-rootfs"

    /// Creates a capture.
    ///
    /// - Parameters:
    ///   - containerd: Finds containers; its namespace must be theirs.
    ///   - repositories: Opens the places where images are and go.
    ///   - consistency: Whether to copy before the freeze.
    ///   - compression: How layers are compressed.
    ///   - compaction: When the layers of earlier snapshots are merged.
    ///   - usesDiffService: Whether a process without any capability has containerd read the filesystem, instead of refusing. What
    ///     containerd makes keeps less, and the artifact says so.
    ///   - signer: Who signs statements about what is captured; nil for nobody.
    ///   - logger: Where remarks go.
    public init(
        containerd: ContainerdClient,
        repositories: ImageRepositories,
        consistency: CaptureConsistency = .live,
        compression: CaptureCompression = .gzip,
        compaction: CompactionPolicy = CompactionPolicy(),
        usesDiffService: Bool = false,
        signer: SnapshotSigner? = nil,
        logger: Logger
    ) {
        self.containerd = containerd
        self.repositories = repositories
        self.consistency = consistency
        self.compression = compression
        self.compaction = compaction
        self.usesDiffService = usesDiffService
        self.signer = signer
        self.logger = logger
    }

    /// Reads the difference of each container to its image, stores it as layers, puts an image around it, and reads back
    /// from the store that all of it is there. Nothing on disk, memory bounded.
    ///
    /// - Parameters:
    ///   - prepared: What `prepare` gave.
    ///   - early: What `copyEarly` gave; only what has changed since is read then.
    ///   - meter: Where it is told how far this is.
    ///   - afterReading: Called when everything has been read and the containers are still frozen. If the request is to
    ///     keep them running, the freeze may end then, and this is called once. Else it is called again if the target loses
    ///     what it has not stored yet, after that was read again.
    /// - Throws: `CaptureError`, `CancellationError`, what `afterReading` throws. With the reason `layerLost` the same
    ///   prepared capture and early copy can be used again, under a new freeze. The target has no manifest and no tag of
    ///   this capture, at most blobs that nothing refers to; unless it became unreachable at the very end.
    public func copy(
        _ prepared: PreparedCapture,
        after early: EarlyCopy = EarlyCopy(),
        meter: CaptureMeter,
        afterReading: @escaping @Sendable () async throws -> Void = {}
    ) async throws -> Artifact {
        meter.enter(.copying)
        let layers = try await copyLayers(prepared, after: early, meter: meter, afterReading: afterReading)
        meter.enter(.committing)
        var written: [WrittenManifest] = []
        do {
            let artifact = try await commit(prepared, layers, written: &written)
            meter.enter(.verifying)
            try await verify(artifact)
            meter.enter(.done)
            return artifact
        } catch {
            await withdraw(written)
            throw error
        }
    }

    private func verify(_ artifact: Artifact) async throws {
        do {
            try await ArtifactStore(repositories: repositories).verify(artifact)
        } catch let error as ArtifactStoreError {
            throw CaptureError(error)
        }
    }

    /// Reads one container after the other, so that each is read as fast as can be. The next one's turn comes when one has
    /// been read, though its layer may still be on its way to the target.
    ///
    /// - Returns: The layers of each container.
    private func copyLayers(
        _ prepared: PreparedCapture,
        after early: EarlyCopy,
        meter: CaptureMeter,
        afterReading: @escaping @Sendable () async throws -> Void
    ) async throws -> [[SnapshotImage.Layer]] {
        let reading = FrozenReading(
            of: prepared.containers.count,
            endsFreeze: prepared.request.afterwards == .keepRunning
        )
        return try await withThrowingTaskGroup(of: (Int, [SnapshotImage.Layer]).self) { group in
            for (index, container) in prepared.containers.enumerated() {
                let (isRead, hasFailed) = (Latch(), Latch())
                let copied = index < early.containers.count ? early.containers[index] : nil
                group.addTask {
                    defer { isRead.open() }
                    do {
                        let layers = try await copyFrozen(
                            container,
                            after: copied,
                            meter: meter,
                            beforeReadingAgain: { reading.begin(index) },
                            afterReading: {
                                isRead.open()
                                guard reading.finish(index) else { return }
                                try await checkStillFrozen(prepared)
                                try await afterReading()
                            }
                        )
                        return (index, layers)
                    } catch {
                        hasFailed.open()
                        throw error
                    }
                }
                await isRead.wait()
                guard !hasFailed.isOpen, !Task.isCancelled else { break }
            }
            var layers: [Int: [SnapshotImage.Layer]] = [:]
            for try await (index, copied) in group { layers[index] = copied }
            try Task.checkCancellation()
            return prepared.containers.indices.map { layers[$0] ?? [] }
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
}
