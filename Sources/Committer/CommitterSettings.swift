// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

public import SandboxModels
public import SnapshotEngine
public import SnapshotProvider

/// What the environment tells the committer.
public struct CommitterSettings: Sendable, Hashable {
    /// containerd's socket: `CONTAINERD_SOCKET`.
    public var containerdSocket: String
    /// containerd's namespace: `CONTAINERD_NAMESPACE`.
    public var containerdNamespace: String
    /// Whether registries are spoken to without TLS: `SNAPSHOT_REGISTRY_INSECURE`. Nil leaves it to `InsecureRegistry`.
    public var registryIsInsecure: Bool?
    /// The Docker `config.json` with the registries' credentials: `STASIS_REGISTRY_CONFIG`.
    public var registryConfig: String
    /// The folder with the certificates of particular registries, laid out as Docker's: `STASIS_REGISTRY_CERTIFICATES`.
    public var registryCertificates: String
    /// The environment itself: of credential helpers, and the place of `HTTPS_PROXY` and its like.
    public var environment: [String: String]
    /// Where the result goes: `STASIS_TERMINATION_LOG`.
    public var terminationLog: String
    /// The UID that the pod must have: `STASIS_POD_UID`. Nil if any will do.
    public var podUID: String?
    /// The identity of the sandbox, for the image's labels: `STASIS_SANDBOX`. Nil for the pod's name.
    public var sandbox: String?
    /// The node, for the image's labels: `NODE_NAME`.
    public var node: String
    /// How the containers are run, by name, for the images' configs: `STASIS_CONTAINERS`. Of one that is not named the image
    /// keeps what it was started from.
    public var executions: [String: ContainerExecution]
    /// The PEM file with the key that statements about the images are signed with: `STASIS_SIGNING_KEY`. Nil: none are made.
    public var signingKey: String?
    /// Names the snapshot: `STASIS_SNAPSHOT_UID`. Nil: every commit is a snapshot of its own.
    public var snapshotUID: String?
    /// The name of the request that it works for, for logs, and told to registries: `STASIS_REQUEST_ID`.
    public var requestID: RequestID?
    /// When the freeze of a commit is given up: `STASIS_FREEZE_SECONDS` after it began. One that is held has no limit unless it
    /// is set (`CommitHold`).
    public var longestFreeze: Duration
    /// When the layers of earlier snapshots are merged: above `STASIS_MAX_SNAPSHOT_LAYERS` of them.
    public var compaction = CompactionPolicy()

    /// The settings of an environment; what is not set, or empty, has upstream's default.
    public init(environment: [String: String]) throws(CommitterError) {
        func value(_ name: String) -> String? {
            environment[name].flatMap { $0.isEmpty ? nil : $0 }
        }
        containerdSocket = value("CONTAINERD_SOCKET") ?? "/run/containerd/containerd.sock"
        containerdNamespace = value("CONTAINERD_NAMESPACE") ?? "k8s.io"
        registryIsInsecure = value("SNAPSHOT_REGISTRY_INSECURE").flatMap(Self.boolean)
        registryConfig = value("STASIS_REGISTRY_CONFIG") ?? "/var/run/opensandbox/registry/config.json"
        registryCertificates = value("STASIS_REGISTRY_CERTIFICATES") ?? "/etc/docker/certs.d"
        self.environment = environment
        terminationLog = value("STASIS_TERMINATION_LOG") ?? "/dev/termination-log"
        podUID = value("STASIS_POD_UID")
        sandbox = value("STASIS_SANDBOX")
        node = value("NODE_NAME") ?? ""
        executions = try Self.executions(value("STASIS_CONTAINERS"))
        signingKey = value("STASIS_SIGNING_KEY")
        snapshotUID = value("STASIS_SNAPSHOT_UID")
        requestID = value("STASIS_REQUEST_ID").flatMap { RequestID(nearest: $0) }
        longestFreeze = try Self.longestFreeze(environment) ?? .seconds(540)
        if let text = value("STASIS_MAX_SNAPSHOT_LAYERS") {
            guard let limit = Int(text), (3...100).contains(limit) else {
                throw CommitterError(.invalidArgument, "STASIS_MAX_SNAPSHOT_LAYERS is \"\(text)\", not 3 to 100")
            }
            compaction = CompactionPolicy(limit: limit)
        }
    }

    /// `STASIS_FREEZE_SECONDS`; nil if it is not set.
    static func longestFreeze(_ environment: [String: String]) throws(CommitterError) -> Duration? {
        guard let text = environment["STASIS_FREEZE_SECONDS"], !text.isEmpty else { return nil }
        guard let seconds = Int64(text), (1...86_400).contains(seconds) else {
            throw CommitterError(.invalidArgument, "STASIS_FREEZE_SECONDS is \"\(text)\", not 1 to 86400")
        }
        return .seconds(seconds)
    }

    /// What Go's `strconv.ParseBool`, which upstream uses, takes for a truth value.
    private static func boolean(_ text: String) -> Bool? {
        switch text {
        case "1", "t", "T", "TRUE", "true", "True": true
        case "0", "f", "F", "FALSE", "false", "False": false
        default: nil
        }
    }
}
