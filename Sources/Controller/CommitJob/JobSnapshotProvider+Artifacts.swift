// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import KubeClient
import KubeModels
import OCIRegistry
import Provenance
public import SandboxModels
public import SnapshotProvider
import SnapshotStore

import class Foundation.ProcessInfo

/// Asking the registry itself, with the Secrets of the sandbox's namespace.
extension JobSnapshotProvider {
    /// Asks the registry for every manifest and blob of an artifact, and for a statement of somebody who is trusted, if that
    /// is demanded.
    public func verify(_ artifact: Artifact, in namespace: String) async -> Step<Verified> {
        let policy: ProvenancePolicy?
        do {
            policy = try settings.provenancePolicy()
        } catch {
            return .failed(SnapshotFailure("VerificationKeysUnusable", "\(error.message).", isRetryable: true))
        }
        return await asking(artifact, in: namespace, provenance: policy) { store in
            Verified(remarks: try await store.verify(artifact))
        }
    }

    /// Deletes the manifests of an artifact. Its blobs go when the registry collects its garbage, but for those that other images
    /// need.
    ///
    /// - Returns: A failure that is not to be tried again if the registry refuses it.
    public func delete(_ artifact: Artifact, in namespace: String) async -> Step<Deleted> {
        await asking(artifact, in: namespace) { store in
            do {
                guard try await store.delete(artifact).contains(.unsupported) else { return Deleted() }
            } catch let error as RegistryError where [.unauthorized, .forbidden].contains(error.kind) {
                throw SnapshotFailure(
                    Self.deletionRefused,
                    "The registry does not let the controller delete images: give the login in the push or the pull Secret "
                        + "the right to, or keep all images (\(error))."
                )
            }
            throw SnapshotFailure(
                Self.deletionRefused,
                "The registry does not delete images: enable that there (docker-registry: storage.delete.enabled), or keep "
                    + "all images."
            )
        }
    }

    private static let deletionRefused = "DeletionRefused"

    func asking<Value: Sendable>(
        _ artifact: Artifact,
        in namespace: String,
        provenance: ProvenancePolicy? = nil,
        _ body: @Sendable (ArtifactStore) async throws -> Value
    ) async -> Step<Value> {
        do {
            let configuration = try await registryConfiguration(for: artifact, in: namespace)
            return .done(
                try await withRegistryClient(configuration, logger: logger) { registries in
                    try await body(
                        ArtifactStore(
                            repositories: ImageRepositories(registries: registries),
                            provenance: provenance,
                            logger: logger
                        )
                    )
                }
            )
        } catch let error as ArtifactStoreError {
            return .failed(error.failure)
        } catch let failure as SnapshotFailure {
            return .failed(failure)
        } catch {
            return .failed(
                SnapshotFailure("TargetUnavailable", "The registry cannot be asked: \(error)", isRetryable: true)
            )
        }
    }

    private func registryConfiguration(
        for artifact: Artifact,
        in namespace: String
    ) async throws -> RegistryConfiguration {
        var configuration = RegistryConfiguration()
        configuration.proxies = try ProxySettings(environment: ProcessInfo.processInfo.environment)
        configuration.certificatesFolder = settings.certificatesFolder
        configuration.requestName = { RequestID.current?.text }
        for secret in [settings.pushSecret, settings.pullSecret].compactMap(\.self) {
            configuration.credentials = configuration.credentials.or(try await credentials(secret, in: namespace))
        }
        let domains = artifact.parts.compactMap { part in
            if case .registry(let reference)? = try? ImageLocation(parsing: part.reference) {
                reference.domain
            } else {
                nil
            }
        }
        // The committer guesses in the same way when nobody says.
        configuration.plainHTTP.hosts = Set(
            domains.filter { settings.isRegistryInsecure || InsecureRegistry.isLikely($0) }
        )
        return configuration
    }

    /// What a Secret knows of registries; nothing if it is not there.
    private func credentials(_ name: String, in namespace: String) async throws -> CredentialsProvider {
        let secret = try await client.resource(Secret.self, in: .named(namespace)).find(name)
        guard let bytes = secret?.data[DockerSecret.key]?.bytes else { return .anonymous }
        let config = try DockerConfig(parsing: bytes, name: "the Secret \(namespace)/\(name)")
        return CredentialsProvider { domain, repository in
            config.credentials(domain: domain, repository: repository)
        }
    }
}

extension CommitJobSettings {
    /// What is demanded of an image. The keys are read each time: they may be followed by others.
    ///
    /// - Throws: `ProvenanceError` if there are none.
    func provenancePolicy() throws(ProvenanceError) -> ProvenancePolicy? {
        try .load(verification, files: verificationKeys)
    }
}

/// The Secrets that Kubernetes pulls images with.
enum DockerSecret {
    static let type = "kubernetes.io/dockerconfigjson"
    static let key = ".dockerconfigjson"
}
