// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import OCIRegistry
import SandboxModels
import SnapshotEngine

extension ImagePull {
    /// Unpacks the layers that are not unpacked yet, each into a snapshot named by its chain ID.
    func unpack(_ manifest: ImageManifest, _ config: ImageConfig) async throws {
        var parent = ""
        for (index, chainID) in ChainID.each(config.rootfs.diffIDs).enumerated() {
            let name = chainID.description
            try await puller.locks.withLock("snapshot \(name)") {
                if try await keepSnapshot(name) { return }
                try await unpack(
                    manifest.layers[index],
                    diffID: config.rootfs.diffIDs[index],
                    name: name,
                    parent: parent
                )
            }
            parent = name
        }
    }

    /// Unpacks one layer, and checks that it is the one that the config names.
    private func unpack(_ layer: Descriptor, diffID: Digest, name: String, parent: String) async throws {
        let key = "\(client.lease ?? "stasis")-\(name)"
        let snapshotter = puller.snapshotter
        do {
            let mounts = try await client.prepareSnapshot(key, parent: parent, snapshotter: snapshotter)
            let applied = try await client.applyLayer(
                ContentDescriptor(
                    mediaType: layer.mediaType.rawValue,
                    digest: layer.digest.description,
                    size: layer.size
                ),
                to: mounts
            )
            guard applied.digest == diffID.description else {
                throw SandboxError(
                    .imageUnavailable,
                    "`\(self.name)` is damaged: its layer \(layer.digest) unpacks to \(applied.digest), but its config "
                        + "says \(diffID). Push it again."
                )
            }
            try await client.commitSnapshot(key, name: name, snapshotter: snapshotter)
        } catch {
            let client = client
            // Undoing must happen although this task may be cancelled; what it leaves, the lease's end takes away.
            try? await uncancelled { try await client.removeSnapshot(key, snapshotter: snapshotter) }
            // Another process unpacked the same layer meanwhile.
            if let error = error as? ContainerdError, error.isAlreadyExists { return }
            throw error
        }
    }

    /// Puts a snapshot that is there already under the pull's lease.
    ///
    /// - Returns: false if it is not there.
    private func keepSnapshot(_ name: String) async throws -> Bool {
        try await ContainerdError.nilIfNotFound {
            _ = try await client.snapshot(name, snapshotter: puller.snapshotter)
            if let lease = client.lease {
                let resource = LeasedResource(id: name, type: "snapshots/\(puller.snapshotter)")
                try await client.addResource(resource, toLease: lease)
            }
            // It may have been collected just before.
            _ = try await client.snapshot(name, snapshotter: puller.snapshotter)
            return true
        } ?? false
    }
}
