// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import KubeModels
import KubeRuntime
import SandboxModels

/// A family of kinds in which people say what sandboxes they want.
public enum SandboxDialect: String, Sendable, Hashable, CaseIterable {
    /// BatchSandboxes, Pools and SandboxSnapshots. Controllers always work on these.
    case openSandbox = "opensandbox"
    /// OpenKruise Agents' Sandboxes, SandboxSets, SandboxClaims, SandboxTemplates and Checkpoints.
    case kruise
    /// The Sandboxes of kubernetes-sigs/agent-sandbox, whose own controller runs them.
    case agentSandbox = "agent-sandbox"

    /// The names of all, for people.
    static var names: String { allCases.map(\.rawValue).joined(separator: ", ") }

    /// The kinds that a cluster has to serve: all of one of the lists, of which each is of one version.
    var kinds: [[ResourceType]] {
        switch self {
        case .openSandbox: [[BatchSandbox.resourceType, SandboxSnapshot.resourceType]]
        case .kruise:
            [
                [
                    KruiseSandbox.resourceType, KruiseSandboxTemplate.resourceType, KruiseSandboxSet.resourceType,
                    KruiseSandboxClaim.resourceType, KruiseCheckpoint.resourceType,
                ]
            ]
        case .agentSandbox: AgentSandboxes.Version.allCases.map { [$0.sandboxes] }
        }
    }

    /// Where their definitions are, and how they are applied.
    var definitions: String {
        switch self {
        case .openSandbox: "apply deploy/crds (kubectl apply -k deploy)"
        case .kruise:
            "apply deploy/kruise (kubectl apply -k deploy/kruise), or take \(rawValue) out of --dialects"
        case .agentSandbox: "install kubernetes-sigs/agent-sandbox, or take \(rawValue) out of --dialects"
        }
    }
}

/// Names a sandbox of any dialect.
struct SandboxReference: Hashable, CustomStringConvertible {
    /// Its dialect; nil if nobody here knows the kind.
    var dialect: SandboxDialect?
    var key: ObjectKey

    /// For indexes and people.
    var description: String { "\(dialect?.rawValue ?? "unknown")/\(key)" }
}

extension SandboxSnapshot {
    /// The sandbox that it is of.
    var sandbox: SandboxReference {
        guard let source = spec.source else {
            return SandboxReference(
                dialect: .openSandbox,
                key: ObjectKey(namespace: metadata.namespace, name: spec.sandboxName)
            )
        }
        return SandboxReference(
            dialect: source.isKruise ? .kruise : source.isAgentSandbox ? .agentSandbox : nil,
            key: ObjectKey(namespace: metadata.namespace, name: source.name)
        )
    }
}

extension SnapshotOrigin {
    /// Whether it names a Sandbox of the Kruise dialect.
    fileprivate var isKruise: Bool {
        kind == KruiseSandbox.resourceType.kind && apiVersion == KruiseSandbox.resourceType.apiVersion
    }

    /// Whether it names a Sandbox of the AgentSandbox dialect, in whichever version: they are the same object.
    fileprivate var isAgentSandbox: Bool {
        AgentSandboxes.Version.allCases.contains { kind == $0.sandboxes.kind && apiVersion == $0.sandboxes.apiVersion }
    }
}

extension AgentSandboxes.Version {
    /// The Sandboxes of this version.
    var sandboxes: ResourceType {
        switch self {
        case .v1beta1: AgentSandbox<AgentSandboxV1Beta1>.resourceType
        case .v1alpha1: AgentSandbox<AgentSandboxV1Alpha1>.resourceType
        }
    }
}
