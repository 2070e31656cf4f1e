// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import KubeClient
import KubeModels
import Logging
import SandboxModels

/// Looks whether the cluster has the kinds that the controller works on, and keeps what it writes of them.
struct SchemaCheck: Sendable {
    let client: KubeClient
    let health: ManagerHealth
    let logger: Logger
    /// Whose kinds are looked for.
    var dialects: Set<SandboxDialect> = [.openSandbox]

    /// Nobody tells when a kind is defined whom the cluster does not let watch definitions.
    private static let pause = Duration.seconds(2)

    /// Returns when the kinds are served. Says once what is missing.
    ///
    /// - Throws: `CancellationError`.
    func waitUntilServed() async throws {
        var last: String?
        while let fault = try await fault() {
            health.sawSchema(missing: fault)
            if fault != last { logger.error("waiting for the API server: \(fault)") }
            last = fault
            try await Task.sleep(for: Self.pause)
        }
        health.sawSchema(missing: nil)
        if last != nil { logger.info("the API server serves everything that is needed") }
    }

    /// What keeps the controller from working; nil if nothing does.
    private func fault() async throws -> String? {
        for dialect in SandboxDialect.allCases where dialects.contains(dialect) {
            if let fault = try await fault(of: dialect) { return fault }
        }
        return nil
    }

    /// What the cluster does not serve of a dialect; nil if nothing is missing.
    func fault(of dialect: SandboxDialect) async throws -> String? {
        var first: String?
        for kinds in dialect.kinds {
            guard let fault = try await fault(of: kinds, of: dialect) else { return nil }
            first = first ?? fault
        }
        return first
    }

    private func fault(of kinds: [ResourceType], of dialect: SandboxDialect) async throws -> String? {
        guard let version = kinds.first?.apiVersion else { return nil }
        do {
            let served = Set(try await Discovery(client).resources(of: version).map(\.name))
            return Self.fault(missing: kinds.filter { !served.contains($0.plural) }, of: dialect)
        } catch let error as KubeError {
            try Task.checkCancellation()
            return error.kind == .notServed ? Self.fault(missing: kinds, of: dialect) : "\(error)"
        }
    }

    /// The newest version of the AgentSandbox dialect that the cluster serves; nil if it serves none, or cannot be asked.
    func agentSandboxVersion() async throws -> AgentSandboxes.Version? {
        for version in AgentSandboxes.Version.allCases
        where try await fault(of: [version.sandboxes], of: .agentSandbox) == nil {
            return version
        }
        return nil
    }

    static func fault(missing: [ResourceType], of dialect: SandboxDialect = .openSandbox) -> String? {
        guard !missing.isEmpty else { return nil }
        let names = missing.map(\.qualifiedPlural).joined(separator: " and ")
        return "it does not serve \(names): \(dialect.definitions)"
    }

    /// Warns of fields that are written and not kept. Nothing that is needed later is among them: that is in annotations.
    func warnOfPruning() async throws {
        let definitions = client.resource(CustomResourceDefinition.self)
        for kind in SandboxDialect.openSandbox.kinds.joined() {
            do {
                let definition = try await definitions.get(kind.qualifiedPlural)
                let pruned = Self.pruned(of: kind, by: definition)
                guard !pruned.isEmpty else { continue }
                logger.warning(
                    "the CustomResourceDefinition is an older one, and keeps less of the status; apply deploy/crds",
                    metadata: ["definition": "\(kind.qualifiedPlural)", "pruned": "\(pruned.joined(separator: " "))"]
                )
            } catch let error as KubeError {
                try Task.checkCancellation()
                logger.info("could not look at a definition", metadata: ["error": "\(error)"])
            }
        }
    }

    /// The fields of a status that a definition does not know.
    static func pruned(of kind: ResourceType, by definition: CustomResourceDefinition) -> [String] {
        let version = definition.spec.versions.first { $0.name == kind.version }
        guard let schema: JSONValue = try? version?.schema?.decoded(), let root = schema["openAPIV3Schema"],
            let status = root["properties"]?["status"], status["x-kubernetes-preserve-unknown-fields"] != true
        else { return [] }
        let known = status["properties"]
        return (written[kind.plural] ?? []).filter { known?[$0] == nil }.map { "status.\($0)" }
    }

    /// What is told beside what every version of the definitions has.
    private static let written = [
        BatchSandbox.resourceType.plural: ["artifact", "progress"],
        SandboxSnapshot.resourceType.plural: [
            "progress", "frozenMilliseconds", "bytesRead", "bytesWritten", "platform",
        ],
    ]
}
