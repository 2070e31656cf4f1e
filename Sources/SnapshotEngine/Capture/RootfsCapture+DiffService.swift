// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Logging
import NIOCore
import OCIRegistry

/// Having containerd make a layer, where this process cannot read the filesystem itself.
extension RootfsCapture {
    /// Nobody but this capture knows the name of its view; a lease of its own removes it if this process dies.
    private static let prefix = "stasis-diff"

    /// What containerd can compare, for a process that has no capability at all. One that has some, but not all that it needs,
    /// was started by mistake, and is refused elsewhere.
    ///
    /// - Returns: Nil if this process is to read the filesystem itself.
    func diffService(for record: ContainerRecord) async throws -> FilesystemDifference? {
        guard usesDiffService, try ProcessCapabilities.current().effective == 0 else { return nil }
        let mounts: [SnapshotMount]
        do {
            mounts = try await containerd.snapshotMounts(record.snapshotKey, snapshotter: record.snapshotter)
        } catch let error as ContainerdError {
            throw CaptureError(error, gone: .containerGone, "container \(record.id) went away")
        }
        guard record.snapshotter == ContainerdClient.overlayfs, mounts.count == 1, let mount = mounts.first,
            mount.type == "overlay", let view = try? OverlayMount(options: mount.options).readOnlyView
        else {
            throw CaptureError(
                .unsupportedFilesystem,
                "the root filesystem of container \(record.id) is not one overlay mount of the snapshotter overlayfs, so it "
                    + "cannot be read while it is in use"
            )
        }
        logger.warning(
            "the filesystem is read through containerd's diff service, which keeps less",
            metadata: ["container": "\(record.id)", "remark": "\(FilesystemDifference.diffServiceRemark)"]
        )
        return .diffService(container: [view])
    }

    /// Has containerd compare a frozen container with its image, and sends the layer to the target.
    ///
    /// - Parameter afterReading: Called when containerd has the layer: what the target loses from then on, it still has.
    func copyByDiffService(
        _ container: PreparedContainer,
        mounts: [SnapshotMount],
        meter: CaptureMeter,
        afterReading: @escaping @Sendable () async throws -> Void
    ) async throws -> SnapshotImage.Layer {
        try await containerd.withLease(prefix: Self.prefix) { containerd in
            let parent = try await containerd.snapshot(container.snapshotKey, snapshotter: container.snapshotter).parent
            let view = "\(Self.prefix)-\(String(UInt64.random(in: 0 ... .max), radix: 16))"
            let difference: ContentDescriptor
            do {
                let image = try await containerd.viewSnapshot(view, parent: parent, snapshotter: container.snapshotter)
                difference = try await containerd.makeLayer(
                    from: image,
                    to: mounts,
                    mediaType: "application/vnd.oci.image.layer.v1.tar+gzip",
                    reference: view
                )
                await remove(view, container.snapshotter, containerd)
            } catch {
                await remove(view, container.snapshotter, containerd)
                throw error
            }
            let info = try await containerd.contentInfo(difference.digest)
            guard let diffID = info.labels["containerd.io/uncompressed"] else {
                throw CaptureError(
                    .readFailed,
                    "containerd does not say what is in the layer \(difference.digest) that it has made"
                )
            }
            try await afterReading()
            let digest = try Digest(parsing: difference.digest)
            try await repeatingLostUploads {
                try await send(digest, to: container.target, containerd, CaptureMeter.Share(of: meter))
            }
            return SnapshotImage.Layer(
                descriptor: Descriptor(mediaType: .ociLayerGzip, digest: digest, size: difference.size),
                diffID: try Digest(parsing: diffID)
            )
        }
    }

    private func remove(_ view: String, _ snapshotter: String, _ containerd: ContainerdClient) async {
        await uncancelled {
            do {
                try await containerd.removeSnapshot(view, snapshotter: snapshotter)
            } catch let error as ContainerdError where error.isNotFound {
                return
            } catch {
                // Its lease ends.
                logger.warning("a view was left behind", metadata: ["view": "\(view)", "error": "\(error)"])
            }
        }
    }

    private func send(
        _ digest: Digest,
        to target: any ImageRepository,
        _ containerd: ContainerdClient,
        _ share: CaptureMeter.Share
    ) async throws {
        let upload = try await target.startUpload()
        do {
            let size = try await containerd.withContent(digest.description) { bytes in
                var sent: Int64 = 0
                for try await part in bytes {
                    try await upload.write(part)
                    sent += Int64(part.readableBytes)
                    share.set(bytesRead: sent, bytesWritten: sent)
                }
                return try await upload.commit(digest)
            }
            logger.info("captured by containerd", metadata: ["digest": "\(digest)", "compressed": "\(size)"])
        } catch {
            await upload.cancel()
            share.takeBack()
            throw error
        }
    }
}
