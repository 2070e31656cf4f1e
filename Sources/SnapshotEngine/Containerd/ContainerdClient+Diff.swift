// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import ContainerdAPI

/// Layers: unpacking them, and making them from two file systems.
extension ContainerdClient {
    private var diffService: Containerd_Services_Diff_V1_Diff.Client<ContainerdTransport> {
        .init(wrapping: connection.calls)
    }

    /// Unpacks a layer of the content store onto mounts.
    ///
    /// - Returns: The uncompressed layer; its digest is the diff ID.
    @discardableResult
    public func applyLayer(_ layer: ContentDescriptor, to mounts: [SnapshotMount]) async throws -> ContentDescriptor {
        try await call("Diff.Apply", "layer \(layer.digest)") {
            var request = Containerd_Services_Diff_V1_ApplyRequest()
            request.diff = layer.message
            request.mounts = mounts.map(\.message)
            return ContentDescriptor(try await diffService.apply(request, metadata: metadata).applied)
        }
    }

    /// Makes a layer of what differs between two file systems, in the content store.
    ///
    /// - Parameters:
    ///   - lower: The mounts of the file system to compare with.
    ///   - upper: The mounts of the changed one.
    ///   - mediaType: What to make, such as `application/vnd.oci.image.layer.v1.tar+gzip`.
    ///   - reference: The name of the upload; a second call with the same name continues it.
    ///   - labels: Labels of the new content.
    public func makeLayer(
        from lower: [SnapshotMount],
        to upper: [SnapshotMount],
        mediaType: String,
        reference: String,
        labels: [String: String] = [:]
    ) async throws -> ContentDescriptor {
        try await call("Diff.Diff", reference) {
            var request = Containerd_Services_Diff_V1_DiffRequest()
            request.left = lower.map(\.message)
            request.right = upper.map(\.message)
            request.mediaType = mediaType
            request.ref = reference
            request.labels = labels
            return ContentDescriptor(try await diffService.diff(request, metadata: metadata).diff)
        }
    }
}
