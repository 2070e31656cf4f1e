// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

/// How a capture comes to be one instant. What results is the same: the tree as it was when it was frozen.
public enum CaptureConsistency: String, Sendable, Hashable, CaseIterable {
    /// Copy while the sandbox runs, freeze it, and copy what has changed since. Where that is not possible (a filesystem
    /// that writes nothing back) or does not pay (there is little to copy), the same as `freeze`.
    case live
    /// Freeze, and copy everything.
    case freeze
}

/// What was copied of containers that ran on.
public struct EarlyCopy: Sendable {
    /// One a container, in their order; nil where nothing was copied.
    var containers: [Layer?] = []

    /// The copy of one container.
    struct Layer: Sendable {
        /// The layer; nil if there is nothing in it.
        var layer: SnapshotImage.Layer?
        /// What is in it.
        var record: CopyRecord
    }

    /// Nothing was.
    public init() {}
}
