// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

public import KubeClient
public import Logging

/// What the controller is told by whoever runs it: every flag of `docs/controller.md`, as a value.
public struct ControllerOptions: Sendable, Hashable {
    /// How log lines are written.
    public enum LogFormat: String, Sendable, Hashable, CaseIterable {
        /// For people.
        case console
        /// One JSON object a line.
        case json
    }

    /// Where a certificate and its key are.
    public struct CertificateFiles: Sendable, Hashable {
        /// The folder, `""` if there is none.
        public var folder = ""
        /// The file of the chain of certificates in it, PEM.
        public var certificate = "tls.crt"
        /// The file of the key in it, PEM.
        public var key = "tls.key"

        /// Creates the defaults.
        public init() {}
    }

    /// Where metrics are served; nil for nowhere.
    public var metricsAddress: ListenAddress?
    /// Whether metrics are served by TLS, and only to those whom the cluster lets.
    public var isMetricsSecure = true
    /// The certificate for metrics; one that is made at the start if there is no folder.
    public var metricsCertificate = CertificateFiles()
    /// Where probes are answered; nil for nowhere.
    public var probeAddress: ListenAddress? = ListenAddress(port: 8081)

    /// Whether only the one of several controllers works that holds the lease.
    public var isLeaderElected = false
    /// The namespace of the lease; nil for the one that this runs in.
    public var leaderElectionNamespace: String?

    /// The kubeconfig; nil for the cluster that this runs in, else what `KUBECONFIG` or `~/.kube/config` says.
    public var kubeconfig: String?
    /// The context of the kubeconfig; nil for the current one.
    public var context: String?
    /// How often the API server may be asked.
    public var rateLimit = RateLimit(requestsPerSecond: 100, burst: 200)
    /// The namespaces whose sandboxes are seen to; empty for all.
    public var namespaces: [String] = []

    /// How many BatchSandboxes are looked at at a time. At least 1.
    public var sandboxWorkers = 32
    /// How many Pools are looked at at a time. At least 1.
    public var poolWorkers = 16
    /// How many SandboxSnapshots are looked at at a time. At least 1.
    public var snapshotWorkers = 4

    /// What sandboxes are run and paused with.
    public var sandboxes = SandboxControllerSettings()
    /// What commit Jobs have in common.
    public var commitJob = CommitJobSettings(image: "image-committer:dev")

    /// What is logged.
    public var logLevel = Logger.Level.info
    /// How it is logged.
    public var logFormat = LogFormat.console

    /// Creates the defaults.
    public init() {}
}
