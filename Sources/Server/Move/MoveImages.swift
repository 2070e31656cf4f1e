// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Logging
import OCIRegistry
import SandboxModels

import class Foundation.ProcessInfo

/// Brings the images of sandboxes that move to where their targets can read them.
struct MoveImages: Sendable {
    let configuration: ServerConfiguration.Moving
    let logger: Logger

    /// Why an image cannot be read by a target at all; nil if it can, or may.
    static func obstacle(_ artifact: Artifact?, _ target: ServerConfiguration.Moving.Target?) -> String? {
        guard let artifact, let part = artifact.parts.first else { return nil }
        guard artifact.parts.count == 1, artifact.kind == Artifact.ociImage else {
            return "What it was captured into is not one image, so it can only be resumed here."
        }
        guard target?.pushTo == nil, part.reference.hasPrefix("oci:") else { return nil }
        return noRegistry
    }

    /// What is told where snapshots are kept on the machine itself.
    static let noRegistry = """
        Its image is in a folder of this machine, which no other server can read. Set push_to of the target to a registry that \
        it can read, or keep snapshots in such a registry (local.snapshot_store).
        """

    /// Makes an image readable for a target.
    ///
    /// - Parameter id: The sandbox.
    /// - Returns: Where the target finds it, by digest.
    /// - Throws: `SandboxError` with `snapshotNotRestorable` if that cannot be; `RegistryError` if a registry does not do it.
    func send(_ artifact: Artifact, of id: String, to target: ServerConfiguration.Moving.Target?) async throws -> String
    {
        if let obstacle = Self.obstacle(artifact, target) { throw SandboxError(.snapshotNotRestorable, obstacle) }
        guard let part = artifact.parts.first else {
            throw SandboxError(.snapshotNotRestorable, "There is no image of it.")
        }
        let digest = try Digest(parsing: part.digest)
        let place = try ImageLocation(parsing: part.reference).at(digest)
        guard let prefix = target?.pushTo else { return place.description }
        let copy = try ImageReference(parsing: "\(prefix)/\(id)").at(digest)
        try await withRegistryClient(try registries, logger: logger) { client in
            // It gets a tag: a registry that collects what has none must not collect this.
            _ = try await ImageCopy(from: client.repository(of: place), to: client.repository(copy))
                .run(.digest(digest), as: .tag("moved-\(Self.short(digest))"))
        }
        return copy.description
    }

    private static func short(_ digest: Digest) -> String {
        String(digest.description.split(separator: ":").last?.prefix(12) ?? "")
    }

    private var registries: RegistryConfiguration {
        get throws {
            let environment = ProcessInfo.processInfo.environment
            var registries = RegistryConfiguration()
            registries.requestName = { RequestID.current?.text }
            registries.plainHTTP.hosts = Set(configuration.insecureRegistries)
            registries.certificatesFolder = configuration.registryCertificates
            registries.proxies = try ProxySettings(environment: environment)
            registries.credentials =
                configuration.registryConfiguration.map { .dockerConfig(path: $0, environment: environment) }
                ?? .docker(environment: environment)
            return registries
        }
    }
}
