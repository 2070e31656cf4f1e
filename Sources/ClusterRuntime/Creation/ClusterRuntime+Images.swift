// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import KubeClient
import KubeModels
import Logging
import OCIRegistry
import Provenance
public import SandboxModels
public import SnapshotStore

import class Foundation.ProcessInfo

/// Looking into images before there is a sandbox: this server asks the registry itself.
extension ClusterRuntime {
    /// What the image of a snapshot says about how to run it; nil if the image is none of a snapshot.
    ///
    /// - Parameter credentials: For the image's registry.
    /// - Throws: `SandboxError` with `invalidParameter` or `imageUnavailable`.
    public func restoreDefaults(
        ofImage image: String,
        credentials: ImageCredentials?
    ) async throws -> RestoreDefaults? {
        let defaults = try await asking(image, credentials) { repository, reference in
            RestoreDefaults(try await repository.image(reference))
        }
        for remark in defaults?.remarks ?? [] {
            logger.notice("something in an image is left out: \(remark)", metadata: ["image": "\(image)"])
        }
        return defaults
    }

    /// The image by its digest, if somebody who is trusted says where it comes from, or if that is not demanded. What is no
    /// snapshot stays as it was named.
    ///
    /// - Parameter isSnapshot: Whether it is known to be one; otherwise its labels tell.
    /// - Throws: `SandboxError` with `snapshotNotRestorable`, or `imageUnavailable` if nobody can be asked.
    func proven(_ image: String, _ credentials: ImageCredentials?, isSnapshot: Bool) async throws -> String {
        guard configuration.verification != .off else { return image }
        let policy: ProvenancePolicy?
        do {
            policy = try .load(configuration.verification, files: configuration.verificationKeys)
        } catch {
            throw SandboxError(.runtimeUnavailable, error.message)
        }
        guard let policy else { return image }
        do {
            return try await asking(image, credentials) { repository, reference in
                let found = try await repository.image(reference)
                let labels = found.config.config.labels ?? [:]
                guard isSnapshot || SnapshotLabels.areOfSnapshot(labels, layers: found.manifest.layers.count) else {
                    return image
                }
                if let remark = try await policy.check(found.descriptor.digest, named: image, in: repository) {
                    logger.warning("\(remark)", metadata: ["image": "\(image)"])
                }
                // A tag may name another image by the time that a node asks.
                return "\(RestorableImage.repository(of: image))@\(found.descriptor.digest)"
            }
        } catch let error as ProvenanceError {
            throw SandboxError(.snapshotNotRestorable, error.message)
        } catch let error as SandboxError where policy.mode == .warn && error.code == .imageUnavailable {
            logger.warning("an image could not be verified: \(error)", metadata: ["image": "\(image)"])
            return image
        }
    }

    private func asking<Answer: Sendable>(
        _ image: String,
        _ credentials: ImageCredentials?,
        _ body: @Sendable (any ImageRepository, ManifestReference) async throws -> Answer
    ) async throws -> Answer {
        let reference: ImageReference
        do {
            reference = try ImageReference(parsing: image)
        } catch {
            throw SandboxError(.invalidParameter, error.description)
        }
        do {
            return try await withRegistryClient(
                try await registryConfiguration(for: reference, credentials),
                logger: logger
            ) { registries in
                try await body(registries.repository(reference), reference.manifestReference)
            }
        } catch let error as RegistryError {
            throw SandboxError(.imageUnavailable, "The image \(image) cannot be read.", cause: error, tellsCause: true)
        }
    }

    /// The logins of the request go first, then those of the Secret that pods pull snapshots with, then this process's own.
    private func registryConfiguration(
        for reference: ImageReference,
        _ given: ImageCredentials?
    ) async throws -> RegistryConfiguration {
        let environment = ProcessInfo.processInfo.environment
        var registry = RegistryConfiguration()
        registry.requestName = { RequestID.current?.text }
        registry.proxies = try ProxySettings(environment: environment)
        registry.certificatesFolder = "/etc/docker/certs.d"
        registry.retry = RetryPolicy(attempts: 2)
        if InsecureRegistry.isLikely(reference.domain) { registry.plainHTTP.hosts = [reference.domain] }
        registry.credentials = .docker(environment: environment)
        if let name = configuration.snapshotPullSecret {
            registry.credentials = try await logins(name).or(registry.credentials)
        }
        if let given {
            let login = RegistryCredentials.basic(username: given.username, password: given.password)
            registry.credentials = .fixed(login, for: reference.domain)
        }
        return registry
    }

    /// What a Secret knows of registries; nothing if it is not there, or if this server may not read it.
    private func logins(_ name: String) async throws -> CredentialsProvider {
        do {
            guard let bytes = try await secrets.find(name)?.data[".dockerconfigjson"]?.bytes else { return .anonymous }
            let config = try DockerConfig(parsing: bytes, name: "the Secret \(configuration.namespace)/\(name)")
            return CredentialsProvider { domain, repository in
                config.credentials(domain: domain, repository: repository)
            }
        } catch let error as KubeError where error.kind == .forbidden {
            return .anonymous
        }
    }
}
