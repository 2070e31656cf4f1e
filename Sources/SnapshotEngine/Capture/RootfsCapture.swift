// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

public import Logging
import OCIRegistry
public import SandboxModels
import SnapshotProvider

/// Captures the root filesystems of a sandbox's containers as OCI images.
///
/// A capture has two halves with the freeze between them: `prepare` and `copyEarly` refuse what cannot work and do
/// whatever takes time without needing the freeze; `copy` needs the sandbox frozen from before its call until it says
/// that everything has been read.
public struct RootfsCapture: Sendable {
    let containerd: ContainerdClient
    let repositories: ImageRepositories
    let consistency: CaptureConsistency
    let logger: Logger

    /// The name of the provider in the artifacts made here.
    public static let providerName = "oci-rootfs"

    /// Creates a capture.
    ///
    /// - Parameters:
    ///   - containerd: Finds containers; its namespace must be theirs.
    ///   - repositories: Opens the places where images are and go.
    ///   - consistency: Whether to copy before the freeze.
    ///   - logger: Where remarks go.
    public init(
        containerd: ContainerdClient,
        repositories: ImageRepositories,
        consistency: CaptureConsistency = .live,
        logger: Logger
    ) {
        self.containerd = containerd
        self.repositories = repositories
        self.consistency = consistency
        self.logger = logger
    }

    /// Reads the difference of each container to its image, stores it as layers, puts an image around it, and reads back
    /// from the store that all of it is there. Nothing on disk, memory bounded.
    ///
    /// - Parameters:
    ///   - prepared: What `prepare` gave.
    ///   - early: What `copyEarly` gave; only what has changed since is read then.
    ///   - meter: Where it is told how far this is.
    ///   - afterReading: Called when everything has been read, the containers are still frozen, and the freeze is needed
    ///     no more. Once more if the target then loses what it has not stored yet and the containers are still frozen.
    /// - Throws: `CaptureError`, `CancellationError`, what `afterReading` throws. The target then has no manifest and no
    ///   tag of this capture, at most blobs that nothing refers to; unless it became unreachable at the very end.
    public func copy(
        _ prepared: PreparedCapture,
        after early: EarlyCopy = EarlyCopy(),
        meter: CaptureMeter,
        afterReading: @escaping @Sendable () async throws -> Void = {}
    ) async throws -> Artifact {
        meter.enter(.copying)
        var layers: [[SnapshotImage.Layer]] = []
        for (index, container) in prepared.containers.enumerated() {
            let isLast = index == prepared.containers.count - 1
            let copied = index < early.containers.count ? early.containers[index] : nil
            layers.append(
                try await copyFrozen(container, after: copied, meter: meter) {
                    guard isLast else { return }
                    try await checkStillFrozen(prepared)
                    try await afterReading()
                }
            )
        }
        meter.enter(.committing)
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
