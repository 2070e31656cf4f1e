// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

/// The labels in the config of a snapshot's image: where it came from, and what of its sandbox a config has no room for.
///
/// They are for whoever finds the image in a registry. Nothing secret goes in. How it is run is in the config itself.
public enum SnapshotLabels {
    /// The identity of the sandbox.
    public static let sandbox = "dev.stasis.snapshot.sandbox"
    /// The name of the container within it.
    public static let container = "dev.stasis.snapshot.container"
    /// The uid of the capture, by which a repeated one recognises its own result.
    public static let uid = "dev.stasis.snapshot.uid"
    /// The namespace of the pod that was captured.
    public static let namespace = "dev.stasis.snapshot.namespace"
    /// Its name.
    public static let pod = "dev.stasis.snapshot.pod"
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
    /// What the container might use: a JSON object of Kubernetes' quantities by resource name.
    public static let limits = "dev.stasis.snapshot.limits"
    /// What was set aside for it, in the same form.
    public static let requests = "dev.stasis.snapshot.requests"
    /// The names of the variables that the container had besides those of the image: a JSON list.
    public static let environment = "dev.stasis.snapshot.environment"

    /// Whether labels are those of a snapshot with so many layers.
    public static func areOfSnapshot(_ labels: [String: String], layers count: Int) -> Bool {
        labels[uid] != nil && labels[layers] == "\(count)"
    }
}
