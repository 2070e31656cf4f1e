// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

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
