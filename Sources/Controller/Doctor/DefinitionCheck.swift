// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import KubeClient
import KubeModels
import Logging

/// Whether the kinds are served that the controller works on, and keep what it writes.
struct DefinitionCheck: Sendable {
    let client: KubeClient
    let options: ControllerOptions

    func findings() async throws -> [DoctorFinding] {
        let dialects = options.sandboxes.dialects
        let schema = SchemaCheck(
            client: client,
            health: ManagerHealth(),
            logger: Logger(label: DoctorOptions.word) { _ in SwiftLogNoOpLogHandler() },
            dialects: dialects
        )
        var findings: [DoctorFinding] = []
        for dialect in SandboxDialect.allCases where dialects.contains(dialect) {
            let subject = "dialect \(dialect.rawValue)"
            if let fault = try await schema.fault(of: dialect) {
                let remedy = "As is said there; the controller waits until it is so, and then works."
                findings.append(.fault(.definitionsMissing, subject, fault, do: remedy))
            } else {
                findings.append(.ok(.definitions, subject, "its kinds are served"))
                if dialect == .openSandbox { findings += try await ages() }
            }
        }
        return findings
    }

    /// Whether the definitions are as new as the controller.
    private func ages() async throws -> [DoctorFinding] {
        var findings: [DoctorFinding] = []
        let definitions = client.resource(CustomResourceDefinition.self)
        for kind in SandboxDialect.openSandbox.kinds.joined() {
            do {
                let definition = try await definitions.get(kind.qualifiedPlural)
                findings.append(Self.judge(kind, definition))
            } catch let error as KubeError where error.kind != .unreachable {
                findings.append(
                    .unchecked(.definitions, kind.qualifiedPlural, "its definition cannot be looked at: \(error)")
                )
            }
        }
        return findings
    }

    static func judge(_ kind: ResourceType, _ definition: CustomResourceDefinition) -> DoctorFinding {
        let pruned = SchemaCheck.pruned(of: kind, by: definition)
        guard !pruned.isEmpty else {
            return .ok(.definitions, kind.qualifiedPlural, "its definition keeps all that is written")
        }
        return .fault(
            .definitionsOld,
            kind.qualifiedPlural,
            "its definition is an older one, and drops \(pruned.joined(separator: ", "))",
            do: "Apply deploy/crds (kubectl apply -k deploy/crds). Until then people see less; nothing is lost."
        )
    }
}
