// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Logging
import OCIRegistry
import SandboxModels
import SnapshotEngine
import SnapshotStore

import struct Foundation.Date
import class Foundation.ProcessInfo

/// What the runtime is connected to while it serves.
struct Connections: Sendable {
    /// containerd, in the sandboxes' namespace.
    var containerd: ContainerdClient
    /// Who holds the freezes of captures.
    var holders: HolderClient
    /// Registries and image layouts, with the machine's own logins.
    var repositories: ImageRepositories
    /// Registries with other logins.
    var registries: RegistryClient

    /// Ends the freezes that an earlier process left. What was not sealed runs on at once, because whoever could have
    /// sealed it is gone; its holder may still be at that too. What was sealed is left to the sandbox, which kills it when
    /// its release is written down; unless it belongs to no sandbox any more.
    ///
    /// - Returns: The uids of the captures whose freezes are sealed.
    func recoverFreezes(of rows: [SandboxRow]) async throws -> Set<String> {
        let recovery = FreezeRecovery(client: containerd)
        let known = Set(rows.flatMap(\.recorded.captures))
        var sealed: Set<String> = []
        for record in try await recovery.thawUnsealed() {
            if known.contains(record.id) {
                sealed.insert(record.id)
            } else {
                try await recovery.kill(record.id)
            }
        }
        return sealed
    }
}

extension Recorded {
    /// The captures that are not done with.
    fileprivate var captures: [String] {
        leftovers.compactMap { if case .capture(let uid) = $0 { uid } else { nil } }
            + (phase.capture.map { [$0.uid] } ?? [])
    }
}

extension LocalRuntime {
    /// Opens the connections for as long as `body` runs.
    func withConnections(_ body: @Sendable (Connections) async throws -> Void) async throws {
        let configuration = configuration
        let logger = logger
        var registry = RegistryConfiguration()
        registry.plainHTTP.hosts = configuration.insecureRegistries
        registry.requestName = { RequestID.current?.text }
        let environment = ProcessInfo.processInfo.environment
        registry.certificatesFolder = configuration.registryCertificates
        registry.proxies = try ProxySettings(environment: environment)
        registry.credentials =
            configuration.registryLogins.map { .dockerConfig(path: $0, environment: environment) }
            ?? .docker(environment: environment)
        try await withRegistryClient(registry, logger: logger) { registries in
            do {
                try await ContainerdClient.withClient(
                    socket: configuration.containerdSocket,
                    namespace: configuration.containerdNamespace,
                    logger: logger
                ) { containerd in
                    try await containerd.makeNamespaceIfAbsent(configuration.containerdNamespace)
                    try await HolderClient.withClient(
                        command: configuration.holder,
                        containerd: containerd,
                        logger: logger
                    ) { holders in
                        try await body(
                            Connections(
                                containerd: containerd,
                                holders: holders,
                                repositories: ImageRepositories(registries: registries),
                                registries: registries
                            )
                        )
                    }
                }
            } catch let error as ContainerdError {
                throw SandboxError(.runtimeUnavailable, "containerd cannot be used", cause: error, tellsCause: true)
            } catch let error as FreezeError {
                throw SandboxError(.runtimeUnavailable, "what an earlier process froze cannot be thawed", cause: error)
            }
        }
    }

    /// What the sandboxes' runners share.
    func makeWorld(
        store: SandboxStore,
        connections: Connections,
        trust: SnapshotTrust,
        sealed: Set<String>
    ) -> SandboxWorld {
        let network = SandboxNetwork(configuration.network)
        let volumes = VolumeFolders(
            folder: "\(configuration.stateFolder)/volumes",
            mountFolder: "\(configuration.stateFolder)/mounts",
            allowedHostPaths: configuration.allowedHostPaths,
            logger: logger
        )
        var containers = ContainerRuntime(
            client: connections.containerd,
            network: network,
            folder: "\(configuration.stateFolder)/containers",
            logger: logger
        )
        containers.volumes = volumes
        let registries = connections.registries
        let openRepository: SandboxWorld.Opener = { location, credentials in
            guard let credentials, case .registry(let reference) = location else {
                return registries.repository(of: location)
            }
            let login = RegistryCredentials.basic(username: credentials.username, password: credentials.password)
            return registries.with(credentials: .fixed(login, for: reference.domain)).repository(of: location)
        }
        let images = ImagePuller(client: connections.containerd) { openRepository($0, $1) }
        let provider = RootfsProvider(
            capture: RootfsCapture(
                containerd: connections.containerd,
                repositories: connections.repositories,
                compression: configuration.compression,
                compaction: CompactionPolicy(limit: configuration.mostSnapshotLayers),
                signer: trust.signer,
                logger: logger
            ),
            holders: connections.holders,
            provenance: trust.policy,
            logger: logger
        ) { [weak self] uid in
            await self?.captureChanged(uid)
        }
        return SandboxWorld(
            store: store,
            namespace: configuration.containerdNamespace,
            containers: containers,
            volumes: volumes,
            images: images,
            openRepository: openRepository,
            provider: provider,
            retention: ArtifactRetention(
                sandboxes: store,
                snapshots: store.snapshots,
                provider: provider,
                images: images,
                repositories: connections.repositories
            ),
            snapshots: configuration.snapshots,
            trust: trust,
            snapshotEnvironment: configuration.snapshotEnvironment,
            policy: configuration.policy,
            sealedBefore: sealed,
            node: configuration.node,
            now: { Date() },
            forgotten: { [weak self] id in await self?.forget(id) },
            untidy: { [weak self] in await self?.tidy() }
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
