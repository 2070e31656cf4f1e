// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

public import Logging
public import SnapshotEngine

/// Runs sandboxes as containers of this machine's containerd: one container, one writable snapshot, one address each.
///
/// Whatever a sandbox needs is found again by its identity: the snapshot, the container, its task and the lease of its
/// address have that name, and its folder exists from before the first of them to after the last. So everything can
/// be cleared away from any state (`remove`), and nothing has to be remembered.
public struct ContainerRuntime: Sendable {
    /// The label of containers and snapshots that says whose they are.
    public static let sandboxLabel = "stasis.dev/sandbox"
    /// The label of containers that keeps their address.
    static let addressLabel = "stasis.dev/address"

    /// The network of the containers.
    public let network: SandboxNetwork

    let client: ContainerdClient
    let folder: String
    let logger: Logger
    let machine: MachineFeatures
    /// What can be mounted into sandboxes; nil: nothing.
    var volumes: VolumeFolders?
    /// One transition at a time for each sandbox.
    let locks = KeyedLocks()

    /// Creates a runtime.
    ///
    /// - Parameters:
    ///   - client: containerd, in a namespace that nobody else uses.
    ///   - network: the network of the containers.
    ///   - folder: an absolute path; the files of each container are in a folder of its own in there.
    ///   - logger: where remarks go that are nobody's error.
    public init(client: ContainerdClient, network: SandboxNetwork, folder: String, logger: Logger) {
        self.client = client
        self.network = network
        self.folder = folder
        self.logger = logger
        machine = .current()
    }

    /// The file that a sandbox's standard output and standard error are appended to.
    public func logPath(of id: String) -> String { files(of: id).logPath }

    /// The lease under which a sandbox's container is made.
    static func lease(of id: String) -> String { "stasis-create-\(id)" }

    func files(of id: String) -> SandboxFolder { SandboxFolder(parent: folder, id: id) }
}
