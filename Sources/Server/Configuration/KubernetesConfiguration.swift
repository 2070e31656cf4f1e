// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

extension ServerConfiguration {
    /// Sandboxes in a Kubernetes cluster: `[kubernetes]`, and what `[runtime]`, `[egress]`, `[storage]` and
    /// `[secure_runtime]` say about pods.
    public struct Kubernetes: Sendable, Equatable {
        /// The kubeconfig to use, absolute; nil: the service account of the pod that the server runs in:
        /// `kubeconfig_path`.
        public var kubeconfigPath: String?
        /// Whether to take any certificate of the API server: `insecure_skip_tls_verify`.
        public var skipsTLSVerification = false
        /// Where the sandboxes live, unless tenants have namespaces of their own: `namespace`.
        public var namespace = "opensandbox"
        /// The service account of sandbox pods; nil: the template's, or the namespace's default: `service_account`.
        public var serviceAccount: String?
        /// A YAML file whose `spec.template` is what sandbox pods begin with, absolute: `batchsandbox_template_file`.
        public var templateFile: String?
        /// When images are pulled; nil leaves it to the cluster: `image_pull_policy`.
        public var imagePullPolicy: ImagePullPolicy? = .ifNotPresent
        /// Seconds within which a sandbox that is created must run: `sandbox_create_timeout_seconds`.
        public var createTimeout = 60
        /// Seconds within which a pool must have room for a sandbox: `pool_acquisition_timeout_seconds`.
        public var poolAcquisitionTimeout = 30
        /// How often the cluster is read from; nil for no limit: `read_qps`, `read_burst`.
        public var readLimit: RequestLimit?
        /// How often the cluster is written to; nil for no limit: `write_qps`, `write_burst`.
        public var writeLimit: RequestLimit?
        /// What the container that brings execd may use: `execd_init_resources`.
        public var execdInitResources = Resources()
        /// A secret in the sandboxes' namespace with the login for snapshot images, which is added to the pods of sandboxes
        /// that are made from a snapshot: `snapshot_pull_secret`.
        public var snapshotPullSecret: String?
        /// Whether a sandbox expires while it is paused, as with OpenSandbox's server; otherwise its time stands still, and it has
        /// a whole timeout again when it is resumed: `expire_while_paused`.
        public var expiresWhilePaused = false
        /// The image that execd comes from: `runtime.execd_image`.
        public var execdImage: String
        /// Whether execd is the first process of a sandbox: `runtime.execd_run_as_init`.
        public var execdRunsAsInit = false
        /// What network policies are enforced with; nil: sandboxes cannot have any: `[egress]`.
        public var egress: Egress?
        /// Prefixes of paths of nodes that `host` volumes may be mounted from; none: no volume may: `storage.allowed_host_paths`.
        public var allowedHostPaths: [String] = []
        /// The size of a volume claim that is created without one: `storage.volume_default_size`.
        public var volumeDefaultSize = "1Gi"
        /// The RuntimeClass of sandbox pods: `secure_runtime.k8s_runtime_class`.
        public var runtimeClass: String?

        /// Creates the defaults.
        public init(execdImage: String) {
            self.execdImage = execdImage
        }
    }

    /// When a node pulls an image.
    public enum ImagePullPolicy: String, Sendable, CaseIterable {
        /// Whenever a container starts.
        case always = "Always"
        /// If it does not have it.
        case ifNotPresent = "IfNotPresent"
        /// Never: it must be there.
        case never = "Never"
    }

    /// How often something may be asked.
    public struct RequestLimit: Sendable, Equatable {
        /// Requests a second in the long run.
        public var requestsPerSecond: Double
        /// Requests at once after a rest, at least 1.
        public var burst: Int

        /// Creates a limit.
        public init(requestsPerSecond: Double, burst: Int) {
            self.requestsPerSecond = requestsPerSecond
            self.burst = burst
        }
    }

    /// What a container may use and what is reserved for it: names of resources with quantities.
    public struct Resources: Sendable, Equatable {
        /// At most.
        public var limits: [String: String] = [:]
        /// At least.
        public var requests: [String: String] = [:]

        /// Whether nothing is said.
        public var isEmpty: Bool { limits.isEmpty && requests.isEmpty }

        /// Creates it.
        public init(limits: [String: String] = [:], requests: [String: String] = [:]) {
            self.limits = limits
            self.requests = requests
        }
    }

    /// The sidecar that enforces network policies: `[egress]`.
    public struct Egress: Sendable, Equatable {
        /// Its image: `image`.
        public var image: String
        /// How it enforces: `mode`.
        public var mode = EgressMode.dns
        /// Whether sandboxes with a policy have no IPv6: `disable_ipv6`.
        public var disablesIPv6 = true
        /// What it may use: `limits`, `requests`.
        public var resources = Resources()
        /// Where it reports its measurements: `otlp_endpoint`.
        public var telemetryEndpoint: String?

        /// Creates the defaults.
        public init(image: String) {
            self.image = image
        }
    }

    /// What a network policy is enforced by.
    public enum EgressMode: String, Sendable, CaseIterable {
        /// By which names are resolved.
        case dns
        /// By that, and by which addresses packets may go to.
        case dnsAndFilter = "dns+nft"
    }
}
