// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

/// The labels in the config of a snapshot's image that say where it came from.
///
/// They are for whoever finds the image in a registry. Nothing secret goes in, and a restore needs none of them.
public enum SnapshotLabels {
    /// The identity of the sandbox.
    public static let sandbox = "dev.stasis.snapshot.sandbox"
    /// The name of the container within it.
    public static let container = "dev.stasis.snapshot.container"
    /// The uid of the capture, by which a repeated one recognises its own result.
    public static let uid = "dev.stasis.snapshot.uid"
    /// The UID of the pod that was captured.
    public static let podUID = "dev.stasis.snapshot.pod-uid"
    /// The node it ran on.
    public static let node = "dev.stasis.snapshot.node"
    /// The digest of the image that the container was started from.
    public static let parentDigest = "dev.stasis.snapshot.parent-digest"
    /// The digest of the image at the bottom of the stack: the first one that is not itself a snapshot. The key is the
    /// image specification's own.
    public static let baseDigest = "org.opencontainers.image.base.digest"
    /// How many of the image's layers, from the lowest on, are those of the image at the bottom of the stack. They are never
    /// merged with others.
    public static let baseLayers = "dev.stasis.snapshot.base-layers"
    /// How many layers the image has: with another number, it was made from a snapshot and is none.
    public static let layers = "dev.stasis.snapshot.layers"
}
