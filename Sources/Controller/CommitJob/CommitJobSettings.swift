// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

public import Provenance

/// What all commit Jobs have in common: the cluster's, from the configuration of whoever runs the controller.
public struct CommitJobSettings: Sendable, Hashable {
    /// The committer's image (`--image-committer-image`). It gets access to the node's container runtime: name it by digest.
    public var image: String
    /// containerd's socket on the nodes (`--containerd-socket-path`).
    public var containerdSocket = "/var/run/containerd/containerd.sock"
    /// containerd's root on the nodes, of which the committer reads the folder of the snapshotter (`--containerd-root`); nil to give
    /// it containerd's socket alone, so that it falls back to containerd's diff service, which is slower and keeps less.
    public var containerdRoot: String? = "/var/lib/containerd"
    /// After how many seconds a Job is ended (`--commit-job-timeout`). At least 1.
    public var timeout = 600
    /// For how many seconds a capture waits for room on its node.
    public var roomPatience = 120.0
    /// Whether registries are spoken to without TLS (`--snapshot-registry-insecure`).
    public var isRegistryInsecure = false
    /// The Secret of type `kubernetes.io/dockerconfigjson`, in the sandbox's namespace, with which snapshots are pushed
    /// (`--snapshot-push-secret`).
    public var pushSecret: String?
    /// The Secret of that type, in the sandbox's namespace, with which snapshots are pulled (`--resume-pull-secret`).
    public var pullSecret: String?
    /// The Secret, in the sandbox's namespace, with the key that statements about snapshots are signed with
    /// (`--snapshot-signing-secret`), as its entry `key.pem`; nil: none are made.
    public var signingSecret: String?
    /// What is demanded of an image before a sandbox is started from it (`--snapshot-verification`).
    public var verification = ProvenancePolicy.Mode.off
    /// PEM files with the public keys of those who are trusted, where the controller runs (`--snapshot-verification-keys`).
    public var verificationKeys: [String] = []
    /// The folder with the certificates of particular registries, laid out as Docker's, where the controller runs.
    public var certificatesFolder = "/etc/docker/certs.d"

    /// Creates the documented defaults.
    public init(image: String) {
        self.image = image
    }
}
