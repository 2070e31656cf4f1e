// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Logging
import OCIRegistry
import SandboxModels
import SnapshotEngine
import SnapshotProvider
import SnapshotStore

import struct Foundation.Date

/// Who and what is committed.
extension Committer {
    /// Opens containerd for as long as `body` runs.
    func withContainerd<Result: Sendable>(
        _ body: (ContainerdClient) async throws -> Result
    ) async throws -> Result {
        try await ContainerdClient.withClient(
            socket: settings.containerdSocket,
            namespace: settings.containerdNamespace,
            logger: logger,
            body
        )
    }

    /// The running containers of the pod, and those of them that are named, in the order of the names.
    func containers(
        named names: [String],
        ofPod pod: String,
        in namespace: String,
        containerd: ContainerdClient
    ) async throws -> (all: [PodContainer], selected: [PodContainer]) {
        let finder = ContainerFinder(client: containerd)
        var selected: [PodContainer] = []
        for name in names {
            selected.append(
                try await finder.container(name, pod: pod, namespace: namespace, uid: settings.podUID)
            )
        }
        let all = try await finder.containers(pod: pod, namespace: namespace, uid: selected.first?.podUID)
        return (all, selected)
    }

    /// What is asked of the capture.
    func request(
        pod: String,
        namespace: String,
        containers: [(found: PodContainer, target: CommitTarget)],
        options: CommitOptions,
        afterwards: Afterwards,
        containerd: ContainerdClient
    ) async throws -> SnapshotRequest {
        let finder = BaseImageFinder(containerd: containerd)
        var parts: [SnapshotContainer] = []
        for (found, target) in containers {
            let base: String
            if let given = options.bases[found.name] {
                base = given
            } else {
                base = try await finder.image(of: found)
            }
            parts.append(
                SnapshotContainer(
                    name: found.name,
                    id: found.id,
                    image: base,
                    target: target.image,
                    execution: settings.executions[found.name]
                )
            )
        }
        return SnapshotRequest(
            uid: options.snapshotUID ?? "commit-\(String(UInt64.random(in: 0 ... .max), radix: 16))",
            source: SnapshotSource(
                sandbox: settings.sandbox ?? pod,
                namespace: namespace,
                pod: pod,
                podUID: containers.first?.found.podUID ?? "",
                node: settings.node,
                containers: parts
            ),
            afterwards: afterwards,
            requestID: settings.requestID?.text
        )
    }

    /// How the registries are spoken to that are named by some references to images.
    ///
    /// - Throws: `RegistryError` if the environment names a proxy that cannot be one.
    func registryConfiguration(for references: [String]) throws(RegistryError) -> RegistryConfiguration {
        var configuration = RegistryConfiguration()
        configuration.credentials = .dockerConfig(path: settings.registryConfig, environment: settings.environment)
        configuration.certificatesFolder = settings.registryCertificates
        configuration.requestName = { RequestID.current?.text }
        configuration.proxies = try ProxySettings(environment: settings.environment)
        let domains = references.compactMap { text in
            if case .registry(let reference)? = try? ImageLocation(parsing: text) { reference.domain } else { nil }
        }
        configuration.plainHTTP.loopback = settings.registryIsInsecure ?? true
        configuration.plainHTTP.hosts = Set(
            domains.filter { settings.registryIsInsecure ?? InsecureRegistry.isLikely($0) }
        )
        return configuration
    }

    /// Thaws what an earlier committer left frozen when it was killed; Kubernetes then starts another one. What a holder
    /// that listens has frozen is left to it until its deadline, unless it is of this very snapshot.
    func endFreezesOfDeadCommitters(
        of containers: [PodContainer],
        snapshot: String?,
        containerd: ContainerdClient
    ) async throws {
        let ids = Set(containers.map(\.id))
        let recovery = FreezeRecovery(client: containerd)
        for record in try await recovery.records() where !ids.isDisjoint(with: record.containers) {
            let isLeft = record.id == snapshot || record.deadline < Date()
            guard record.owner == Self.owner || (record.owner == Self.holdOwner && isLeft) else { continue }
            guard try await recovery.thaw(record) == .thawed else {
                throw FreezeError.sealed(id: record.id)
            }
            logger.warning(
                "An earlier committer left a freeze behind; it is ended",
                metadata: ["freeze": "\(record.id)"]
            )
        }
    }
}
