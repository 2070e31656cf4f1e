// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

public import Logging
public import Provenance
public import SnapshotEngine
public import SnapshotProvider

/// How a server runs, as read from a file in OpenSandbox's format and from the environment.
public struct ServerConfiguration: Sendable, Equatable {
    /// How the API is served.
    public var http: HTTP
    /// The least severe messages that are logged.
    public var logLevel: Logger.Level
    /// Where the sandboxes live.
    public var runtime: Runtime
    /// How requests reach the ports of sandboxes through the server.
    public var proxy = Proxy()
    /// How clients reach the ports of sandboxes without it.
    public var ingress = Ingress()
    /// The file that tells tenants with their keys and namespaces, absolute; nil: there is one tenant: `[tenants]`.
    public var tenantFile: String?
    /// What is said about snapshots, and what is demanded of them: `[snapshots]`.
    public var snapshots = Snapshots()
    /// How access makes sandboxes live longer; nil: it does not: `[renew_intent]`.
    public var renewal: Renewal?
    /// How the E2B API is served; nil: it is not: `[e2b]`.
    public var e2b: E2B?
    /// Whether there is a page under `/ui`: `[ui] enabled`.
    public var servesPage = true
    /// Where sandboxes may move to: `[move]`.
    public var move = Moving()

    /// Whether everybody who reaches the server may use it.
    public var isOpen: Bool { http.apiKey == nil && http.apiKeyFile == nil && tenantFile == nil }

    /// How the API is served: `[server]`.
    public struct HTTP: Sendable, Equatable {
        /// The address to listen on: `host`.
        public var host = "0.0.0.0"
        /// The port to listen on, 0 for any free one: `port`.
        public var port = 8080
        /// The key that clients must send: `api_key`, or `OPENSANDBOX_SERVER_API_KEY`. Nil: everybody is let in.
        public var apiKey: APIKey?
        /// A file with keys, one a line, absolute; it is read again when it changes: `api_key_file`.
        public var apiKeyFile: String?
        /// The host that endpoints are published with, if it is not the sandbox's own address: `eip`.
        public var publishedHost: String?
        /// The longest time to live in seconds that a client may ask for, at least 60: `max_sandbox_timeout_seconds`.
        public var maximumTimeout: Int?
        /// Whether clients may choose the identities of sandboxes: `allow_chosen_ids`.
        public var allowsChosenIDs = false
        /// Seconds after which an idle connection is closed: `timeout_keep_alive`.
        public var keepAliveTimeout = 30
        /// Requests that are worked on at once, 0 for no limit: `limit_concurrency`.
        public var concurrencyLimit = 1024
        /// How often a tenant may ask, in the long run and at once; nil for no limit: `rate_limit_per_second`,
        /// `rate_limit_burst`.
        public var rateLimit: RequestLimit?
        /// Connections that are served at once, 0 for no limit: `limit_connections`.
        public var connectionLimit = 8192
        /// Seconds in which a request's head must have come in, counted from its first byte: `timeout_request_head`.
        public var headTimeout = 10
        /// Seconds in which a request's body must have come in, unless it is a sandbox's: `timeout_request_body`.
        public var bodyTimeout = 30
        /// Where measurements are told to everybody who asks; nil: nowhere: `metrics_host`, `metrics_port`.
        public var metrics: MetricsAddress?
        /// Connections that wait to be accepted: `backlog`.
        public var backlog = 2048
        /// Seconds that running requests have to finish when the server is told to stop:
        /// `timeout_graceful_shutdown`.
        public var gracefulShutdownTimeout = 5

        /// Creates the defaults.
        public init() {}
    }

    /// Where measurements are told.
    public struct MetricsAddress: Sendable, Equatable {
        /// The address to listen on.
        public var host: String
        /// The port to listen on, 0 for any free one.
        public var port: Int

        /// Creates an address.
        public init(host: String, port: Int) {
            self.host = host
            self.port = port
        }
    }

    /// Where the sandboxes live: `[runtime] type`.
    public enum Runtime: Sendable, Equatable {
        /// On this machine's containerd.
        case local(Local)
        /// In a Kubernetes cluster.
        case kubernetes(Kubernetes)
    }

    /// What is said about snapshots, and what is demanded of them: `[snapshots]`.
    public struct Snapshots: Sendable, Equatable {
        /// A PEM file with the key that statements about them are signed with, absolute; nil: none are made: `signing_key`.
        public var signingKey: String?
        /// What they tell of the environment of their sandbox: `environment`.
        public var environment = EnvironmentDetail.names
        /// What is demanded before a sandbox is started from one: `verification`.
        public var verification = ProvenancePolicy.Mode.off
        /// PEM files with the public keys of those who are trusted, absolute: `verification_keys`.
        public var verificationKeys: [String] = []

        /// Creates the defaults.
        public init() {}
    }

    /// How access makes a sandbox live longer that asks for it: `[renew_intent]`.
    public struct Renewal: Sendable, Equatable {
        /// Seconds between two renewals of one sandbox, at least: `min_interval_seconds`.
        public var minimumInterval = 60

        /// Creates the defaults.
        public init() {}
    }

    /// Sandboxes on this machine: `[local]`.
    public struct Local: Sendable, Equatable {
        /// The unix socket of containerd: `containerd_socket`.
        public var containerdSocket = "/run/containerd/containerd.sock"
        /// The namespace in containerd that belongs to this server: `containerd_namespace`.
        public var containerdNamespace = "stasis"
        /// The folder of everything that outlives the process, absolute: `state_dir`.
        public var stateDirectory: String
        /// Where snapshots are kept: `snapshot_store`.
        public var snapshotStore: SnapshotStore
        /// How the layers of snapshots are compressed: `snapshot_compression`.
        public var snapshotCompression = CaptureCompression.gzip
        /// Registries (`host` or `host:port`) that are spoken to without TLS: `insecure_registries`.
        public var insecureRegistries: [String] = []
        /// A docker `config.json` with credentials for registries, absolute: `registry_config`.
        public var registryConfiguration: String?
        /// The folder with the certificates of particular registries, absolute: `registry_certificates`.
        public var registryCertificates = "/etc/docker/certs.d"
        /// Absolute paths of this machine beneath which volumes may be mounted from: `storage.allowed_host_paths`.
        public var allowedHostPaths: [String] = []
        /// The sandboxes' network: `network`.
        public var network = Network()
        /// Seconds after which a pause that is not durable yet is given up, 10 to 86400: `pause_deadline_seconds`.
        public var pauseDeadline = 600
        /// How many layers of pauses an image has above those it was created from before they are merged, 3 to 100:
        /// `max_snapshot_layers`.
        public var mostSnapshotLayers = 16
        /// The host in endpoints, if it is not the sandbox's own address: `host`, else `server.eip`.
        public var publishedHost: String?

        /// Creates the defaults around a state folder; snapshots are kept in an image layout in it.
        public init(stateDirectory: String) {
            self.stateDirectory = stateDirectory
            self.snapshotStore = .layout(path: stateDirectory + "/snapshots")
        }
    }

    /// Where snapshots are kept.
    public enum SnapshotStore: Sendable, Equatable {
        /// In an OCI image-layout folder, absolute: `oci:<folder>`.
        case layout(path: String)
        /// In a registry, below `host[:port]/prefix`.
        case registry(prefix: String)
    }

    /// The network that the sandboxes of one machine share.
    public struct Network: Sendable, Equatable {
        /// The name of the bridge, at most 15 bytes: `bridge`.
        public var bridge = "stasis0"
        /// The IPv4 network that addresses are taken from: `subnet`.
        public var subnet = "10.89.0.0/24"

        /// Creates the defaults.
        public init() {}
    }
}

/// Something in a configuration that has no effect, though its writer may think so.
public struct ConfigurationWarning: Sendable, Equatable, CustomStringConvertible {
    /// The key, such as `server.hots`.
    public var path: String
    /// Why it has no effect.
    public var message: String

    /// The key and the reason.
    public var description: String { "\(path): \(message)" }
}

/// Why a configuration cannot be used: all reasons at once, each with its key.
public struct ConfigurationError: Error, Sendable, Equatable, CustomStringConvertible {
    /// One sentence each.
    public var problems: [String]
    /// What has no effect besides.
    public var warnings: [ConfigurationWarning] = []

    /// All problems, a line each.
    public var description: String {
        "The configuration cannot be used:\n" + problems.map { "  \($0)" }.joined(separator: "\n")
    }
}
