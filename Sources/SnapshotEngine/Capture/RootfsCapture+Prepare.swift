// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import OCIRegistry
public import SnapshotProvider
import SnapshotStore

/// The half of a capture for which the sandbox keeps running.
extension RootfsCapture {
    /// Identifies the containers, checks that their filesystems can be captured and that their images are what the
    /// request says, brings the images' layers to the target, and merges those of earlier snapshots if they are many.
    ///
    /// - Parameter compacts: Whether to merge; without, it is only checked that a snapshot can be made.
    /// - Throws: `CaptureError`, `CancellationError`.
    public func prepare(
        _ request: SnapshotRequest,
        compacts: Bool = true,
        meter: CaptureMeter
    ) async throws -> PreparedCapture {
        meter.enter(.preparing)
        guard !request.source.containers.isEmpty else {
            throw CaptureError(.invalidRequest, "the request for \(request.source.sandbox) names no container")
        }
        var prepared = PreparedCapture(request: request, containers: [])
        for container in request.source.containers {
            prepared.containers.append(try await prepare(container, of: request.source.sandbox))
        }
        guard compacts else { return prepared }
        for (index, container) in prepared.containers.enumerated() {
            prepared.containers[index].stack = try await stack(for: container, meter: meter)
        }
        return prepared
    }

    private func prepare(_ container: SnapshotContainer, of sandbox: String) async throws -> PreparedContainer {
        let (record, task) = try await find(container)
        let difference = try await difference(of: record, task: task)
        let parent = try await parentImage(of: container, record: record)
        let stack = LayerStack(parent.image)
        try checkDepth(compaction.expectedDepth(stack), of: container.name, image: container.image)
        let (target, tag) = try openTarget(of: container)
        try await CaptureError.wrapping(container, .targetUnavailable) { try await parent.place(at: target) }
        return PreparedContainer(
            container: container,
            sandbox: sandbox,
            pid: task.pid,
            snapshotter: record.snapshotter,
            snapshotKey: record.snapshotKey,
            difference: difference,
            parent: parent,
            stack: stack,
            target: target,
            tag: .tag(tag)
        )
    }

    /// The image under a container, if it is the one that the request names.
    func parentImage(of container: SnapshotContainer, record: ContainerRecord) async throws -> ParentImage {
        let info: SnapshotInfo
        do {
            info = try await containerd.snapshot(record.snapshotKey, snapshotter: record.snapshotter)
        } catch let error as ContainerdError {
            throw CaptureError(error, gone: .containerGone, "the filesystem of container \(record.id) went away")
        }
        let (origin, originRepository) = try open(container.image, .baseImageUnavailable)
        let parent = try await CaptureError.wrapping(container, .baseImageUnavailable) {
            try await ParentImage(
                try origin.requiredReference,
                origin: originRepository,
                node: ContainerdImageSource(client: containerd)
            )
        }
        let chainID = parent.image.config.chainID?.description ?? ""
        guard chainID == info.parent else {
            throw CaptureError(
                .baseImageMismatch,
                "the image \(container.image) is not what container \(container.name) was started from: its layers are "
                    + "\(chainID), the container's \(info.parent); the tag was probably moved since"
            )
        }
        return parent
    }

    /// Where the snapshot goes, and under which tag. Nothing is asked of it yet.
    func openTarget(
        of container: SnapshotContainer
    ) throws(CaptureError) -> (repository: any ImageRepository, tag: String) {
        let (location, repository) = try open(container.target, .invalidRequest)
        guard case .tag(let tag)? = location.manifestReference else {
            throw CaptureError(.invalidRequest, "the target \(container.target) has no tag to name the snapshot by")
        }
        return (repository, tag)
    }

    func find(_ container: SnapshotContainer) async throws -> (ContainerRecord, ContainerTask) {
        do {
            let record = try await containerd.container(container.id)
            let task = try await containerd.task(container.id)
            guard task.status == .running || task.status == .paused else {
                throw CaptureError(
                    .containerGone,
                    "container \(container.name) (\(container.id)) does not run, so there is nothing to freeze"
                )
            }
            return (record, task)
        } catch let error as ContainerdError {
            throw CaptureError(
                error,
                gone: .containerGone,
                "container \(container.name) (\(container.id)) does not exist or does not run any more"
            )
        }
    }

    /// How the container's filesystem is read.
    func difference(of record: ContainerRecord, task: ContainerTask) async throws -> FilesystemDifference {
        if let service = try await diffService(for: record) { return service }
        return .upperDirectory(try await checkedMount(of: record, task: task))
    }

    /// The overlay that the container's first process lives in, if its upper directory is the whole difference.
    private func checkedMount(of record: ContainerRecord, task: ContainerTask) async throws -> OverlayMount {
        guard record.snapshotter == ContainerdClient.overlayfs else {
            throw CaptureError(
                .unsupportedFilesystem,
                "container \(record.id) uses the snapshotter \(record.snapshotter), of which Stasis cannot read the "
                    + "difference: set containerd's snapshotter to overlayfs (in Kubernetes in the configuration of the CRI "
                    + "plugin), and create the sandbox anew"
            )
        }
        do {
            let mounts = try await containerd.snapshotMounts(record.snapshotKey, snapshotter: record.snapshotter)
            guard mounts.count == 1, let mount = mounts.first, mount.type == "overlay" else {
                throw CaptureError(
                    .unsupportedFilesystem,
                    "the root filesystem of container \(record.id) is not one overlay mount: an image without layers "
                        + "cannot be captured"
                )
            }
            return try OverlayCheck.current().verify(
                process: Int32(bitPattern: task.pid),
                snapshot: try OverlayMount(options: mount.options)
            )
        } catch let error as RootfsError {
            throw CaptureError(error, container: record.id)
        } catch let error as ContainerdError {
            throw CaptureError(error, gone: .containerGone, "container \(record.id) went away")
        }
    }

    func open(
        _ text: String,
        _ reason: CaptureError.Reason
    ) throws(CaptureError) -> (ImageLocation, any ImageRepository) {
        do {
            let location = try ImageLocation(parsing: text)
            return (location, repositories.repository(of: location))
        } catch {
            throw CaptureError(reason, "the image reference '\(text)' cannot be used", cause: error)
        }
    }
}

extension ImageLocation {
    /// What to ask the repository for.
    var requiredReference: ManifestReference {
        get throws(CaptureError) {
            guard let manifestReference else {
                throw CaptureError(.invalidRequest, "the image \(self) has neither tag nor digest")
            }
            return manifestReference
        }
    }
}
