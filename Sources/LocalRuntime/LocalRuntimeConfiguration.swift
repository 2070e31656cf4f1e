// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

public import Provenance
public import SandboxModels
public import SnapshotEngine
public import SnapshotProvider

/// What a runtime on this machine needs to know.
public struct LocalRuntimeConfiguration: Sendable {
    /// containerd's socket.
    public var containerdSocket = "/run/containerd/containerd.sock"
    /// The containerd namespace in which sandboxes are made. Nothing else should use it.
    public var containerdNamespace = "stasis"
    /// The folder for the state of sandboxes; absolute. Made if it is not there. One process at a time may use it.
    public var stateFolder: String
    /// Where snapshots are put.
    public var snapshots: SnapshotDestination
    /// How their layers are compressed.
    public var compression = CaptureCompression.gzip
    /// The sandboxes' network.
    public var network: NetworkConfiguration
    /// Absolute paths of this machine; folders and files beneath them may be mounted into sandboxes.
    public var allowedHostPaths: [String] = []
    /// Registries (`host[:port]`) that are spoken to without TLS; loopback ones always are.
    public var insecureRegistries: Set<String> = []
    /// A Docker config.json with the logins of registries, if not the usual one.
    public var registryLogins: String?
    /// A folder with the certificates of particular registries, laid out as Docker's.
    public var registryCertificates = "/etc/docker/certs.d"
    /// How long the container of a new sandbox may take to start until the sandbox is given up.
    public var startTimeout: Duration = .seconds(60)
    /// How the process is started that holds the freezes of captures.
    public var holder = HolderCommand()
    /// How many layers pauses and snapshots may add to an image before they are merged into one, 3 to 100.
    public var mostSnapshotLayers = 16
    /// A PEM file with the key that statements about snapshots are signed with; nil: none are made.
    public var signingKey: String?
    /// What is demanded of a snapshot before a sandbox is started from it.
    public var verification = ProvenancePolicy.Mode.off
    /// PEM files with the public keys of those whose statements are believed.
    public var verificationKeys: [String] = []
    /// What snapshots tell of the environment of their sandbox.
    public var snapshotEnvironment = EnvironmentDetail.names
    /// The state machine's time limits.
    public var policy = LifecyclePolicy()
    /// This machine's name, for the labels of snapshots.
    public var node: String

    /// Creates a configuration with the usual values.
    ///
    /// - Throws: `SandboxError` with `invalidParameter` if the bridge's name or the subnet cannot be used.
    public init(
        stateFolder: String,
        snapshots: SnapshotDestination? = nil,
        node: String = "localhost",
        bridge: String = "stasis0",
        subnet: String = "10.89.0.0/24"
    ) throws(SandboxError) {
        self.stateFolder = stateFolder
        self.network = try NetworkConfiguration(
            stateFolder: "\(stateFolder)/network",
            bridge: bridge,
            subnet: subnet
        )
        self.snapshots = snapshots ?? .layout(folder: "\(stateFolder)/snapshots")
        self.node = node
    }
}
