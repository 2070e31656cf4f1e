// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import OCIRegistry
public import SnapshotProvider

/// A capture of which all is done that does not need the sandbox frozen.
public struct PreparedCapture: Sendable {
    /// What was asked for.
    public let request: SnapshotRequest
    /// The containers to copy, in the order of the request.
    var containers: [PreparedContainer]
}

/// One container that was identified and found fit to be captured, and whose base layers are at the target.
struct PreparedContainer: Sendable {
    /// What was asked for.
    let container: SnapshotContainer
    /// The identity of its sandbox.
    let sandbox: String
    /// Its first process.
    let pid: UInt32
    /// The snapshotter that has its root filesystem.
    let snapshotter: String
    /// The key of its root filesystem there.
    let snapshotKey: String
    /// How its difference to the image is read.
    let difference: FilesystemDifference
    /// The image under it.
    let parent: ParentImage
    /// The layers that the snapshot's are put on top of.
    var stack: LayerStack
    /// Where the snapshot goes.
    let target: any ImageRepository
    /// Under which name.
    let tag: ManifestReference
}
