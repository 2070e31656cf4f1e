// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Logging
import OCIRegistry
import SandboxModels
import SnapshotEngine

import struct Foundation.Date
import class Foundation.ProcessInfo

/// What the runtime is connected to while it serves.
struct Connections: Sendable {
    /// containerd, in the sandboxes' namespace.
    var containerd: ContainerdClient
    /// The same, on the thread that keeps the deadlines of freezes.
    var freezes: ContainerdClient
    /// Registries and image layouts, with the machine's own logins.
    var repositories: ImageRepositories
    /// Registries with other logins.
    var registries: RegistryClient

    /// Ends the freezes that an earlier process left: what it had sealed is killed, everything else runs on at once,
    /// because whoever held it is gone.
    ///
    /// - Returns: The uids of the captures whose freezes were sealed.
    func recoverFreezes() async throws -> Set<String> {
        let recovery = FreezeRecovery(client: containerd)
        var sealed: Set<String> = []
        for found in try await recovery.recoverAll(now: Date()) {
            switch found.action {
            // If that failed, the sandbox's release does it.
            case .finishKill: sealed.insert(found.record.id)
            case .leave: if try await recovery.thaw(found.record) == .sealed { sealed.insert(found.record.id) }
            case .thaw: if let failure = found.failure { throw failure }
            }
        }
        return sealed
    }
}

extension LocalRuntime {
    /// Opens the connections for as long as `body` runs.
    func withConnections(_ body: @Sendable (Connections) async throws -> Void) async throws {
        let configuration = configuration
        let logger = logger
        var registry = RegistryConfiguration()
        registry.plainHTTP.hosts = configuration.insecureRegistries
        registry.credentials =
            configuration.registryLogins.map { .dockerConfig(path: $0) }
            ?? .docker(environment: ProcessInfo.processInfo.environment)
        try await withRegistryClient(registry, logger: logger) { registries in
            do {
                try await ContainerdClient.withClient(
                    socket: configuration.containerdSocket,
                    namespace: configuration.containerdNamespace,
                    logger: logger
                ) { containerd in
                    try await containerd.makeNamespaceIfAbsent(configuration.containerdNamespace)
                    try await ContainerdClient.withClient(
                        socket: configuration.containerdSocket,
                        namespace: configuration.containerdNamespace,
                        logger: logger,
                        thread: .freezing
                    ) { freezes in
                        try await body(
                            Connections(
                                containerd: containerd,
                                freezes: freezes,
                                repositories: ImageRepositories(registries: registries),
                                registries: registries
                            )
                        )
                    }
                }
            } catch let error as ContainerdError {
                throw SandboxError(.runtimeUnavailable, "containerd cannot be used", cause: error)
            } catch let error as FreezeError {
                throw SandboxError(.runtimeUnavailable, "what an earlier process froze cannot be thawed", cause: error)
            }
        }
    }

    /// What the sandboxes' runners share.
    func makeWorld(store: SandboxStore, connections: Connections, sealed: Set<String>) -> SandboxWorld {
        let network = SandboxNetwork(configuration.network)
        let containers = ContainerRuntime(
            client: connections.containerd,
            network: network,
            folder: "\(configuration.stateFolder)/containers",
            logger: logger
        )
        let registries = connections.registries
        let images = ImagePuller(client: connections.containerd) { location, credentials in
            guard let credentials, case .registry(let reference) = location else {
                return registries.repository(of: location)
            }
            let login = RegistryCredentials.basic(username: credentials.username, password: credentials.password)
            return registries.with(credentials: .fixed(login, for: reference.domain)).repository(of: location)
        }
        let provider = RootfsProvider(
            capture: RootfsCapture(
                containerd: connections.containerd,
                repositories: connections.repositories,
                logger: logger
            ),
            freezes: connections.freezes,
            logger: logger
        ) { [weak self] uid in
            await self?.captureChanged(uid)
        }
        return SandboxWorld(
            store: store,
            namespace: configuration.containerdNamespace,
            containers: containers,
            images: images,
            provider: provider,
            retention: ArtifactRetention(
                sandboxes: store,
                snapshots: store.snapshots,
                provider: provider,
                images: images
            ),
            snapshots: configuration.snapshots,
            policy: configuration.policy,
            sealedBefore: sealed,
            node: configuration.node,
            now: { Date() },
            forgotten: { [weak self] id in await self?.forget(id) }
        )
    }
}

extension ContainerdClient {
    /// Makes a namespace unless it is there.
    fileprivate func makeNamespaceIfAbsent(_ name: String) async throws {
        do {
            try await createNamespace(name)
        } catch let error as ContainerdError where error.code == .alreadyExists {
            return
        }
    }
}
