// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

public import KubeModels
public import Provenance

/// How sandboxes of one namespace are made.
public struct ClusterRuntimeConfiguration: Sendable, Equatable {
    /// The namespace.
    public var namespace: String
    /// The image whose `./execd` and `./bootstrap.sh` are put into every sandbox.
    public var execdImage: String
    /// What every sandbox's `BatchSandbox` begins as, before what is asked for is put over it; see `SandboxTemplate`.
    public var template: JSONValue = [:]
    /// When kubelets pull images; nil: the cluster's own policy.
    public var imagePullPolicy: String? = "IfNotPresent"
    /// Whether execd is the first process of a sandbox.
    public var execdRunsAsInit = false
    /// The account of the pods; nil: the namespace's default.
    public var serviceAccount: String?
    /// The runtime class of the pods; nil: the cluster's default.
    public var runtimeClass: String?
    /// What the container needs that puts execd there.
    public var execdResources: ResourceRequirements?
    /// Seconds that a request waits for a sandbox to come up.
    public var createTimeout = 60
    /// Seconds that a request waits for a pool that has no sandbox to give.
    public var poolTimeout = 30
    /// The Secret of type `kubernetes.io/dockerconfigjson` with which images of snapshots are pulled, if they need one.
    public var snapshotPullSecret: String?
    /// What is demanded of the image of a snapshot before a sandbox is created from it.
    public var verification = ProvenancePolicy.Mode.off
    /// PEM files with the public keys of those whose statements are believed.
    public var verificationKeys: [String] = []
    /// How connections of sandboxes are limited; nil: not at all.
    public var egress: Egress?
    /// Whether a gateway asks for tokens, so that sandboxes can be created with one.
    public var hasSecureAccess = false
    /// Absolute paths of nodes beneath which volumes may be mounted from.
    public var allowedHostPaths: [String] = []
    /// How large a claim is made that nobody gave a size.
    public var defaultVolumeSize = "1Gi"
    /// Whether a sandbox expires while it is paused, as with upstream's server. Otherwise it has a whole time to live again when it
    /// is resumed.
    public var expiresWhilePaused = false
    /// Whether an access renews a sandbox that asks for it.
    public var renewsOnAccess = false
    /// Seconds between two renewals of one sandbox at least.
    public var renewalInterval = 60

    /// How connections of sandboxes are limited.
    public struct Egress: Sendable, Equatable {
        /// The image of the sidecar that does it.
        public var image: String
        /// `dns` or `dns+nft`.
        public var mode = "dns"
        /// Whether IPv6 is turned off in pods that have one, which the sidecar does not see.
        public var disablesIPv6 = true
        /// What the sidecar may use.
        public var resources: ResourceRequirements?
        /// Where the sidecar reports its measurements.
        public var telemetryEndpoint: String?

        /// Creates one around an image.
        public init(image: String) {
            self.image = image
        }
    }

    /// Creates the defaults.
    public init(namespace: String, execdImage: String) {
        self.namespace = namespace
        self.execdImage = execdImage
    }
}
