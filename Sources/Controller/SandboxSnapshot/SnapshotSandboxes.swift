// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import KubeClient
import KubeModels
import KubeRuntime
import SandboxModels

/// The sandboxes that snapshots may be of.
struct SnapshotSandboxes: Sendable {
    let batch: Informer<BatchSandbox>
    /// Those of the Kruise dialect; nil if the controller does not work on them.
    let kruise: KruiseSandboxes?
    /// Those of the AgentSandbox dialect; nil if the controller does not work on them.
    let agents: AgentSandboxFinder?
    let pods: Informer<Pod>
    let client: KubeClient

    /// Whether snapshots of a kind of sandbox are taken at all.
    func serves(_ sandbox: SandboxReference) -> Bool {
        switch sandbox.dialect {
        case .openSandbox?: true
        case .kruise?: kruise != nil
        case .agentSandbox?: agents != nil
        case nil: false
        }
    }

    /// The kinds that are, for people.
    var served: String {
        let groups = [kruise == nil ? nil : Kruise.group, agents == nil ? nil : AgentSandboxes.group].compactMap(\.self)
        guard !groups.isEmpty else { return "BatchSandboxes" }
        return "BatchSandboxes and Sandboxes of \(groups.joined(separator: " and "))"
    }

    /// A sandbox as the cache has it.
    func find(_ sandbox: SandboxReference) -> (any MachineObject)? {
        switch sandbox.dialect {
        case .openSandbox?: batch.store[sandbox.key]
        case .kruise?: kruise?.sandboxes.store[sandbox.key]
        case .agentSandbox?: agents?.find(sandbox.key)
        case nil: nil
        }
    }

    /// A sandbox as the API server has it.
    func findNow(_ sandbox: SandboxReference) async throws -> (any MachineObject)? {
        guard serves(sandbox) else { return nil }
        let namespace = NamespaceScope.named(sandbox.key.namespace ?? "default")
        switch sandbox.dialect {
        case .openSandbox?: return try await client.resource(BatchSandbox.self, in: namespace).find(sandbox.key.name)
        case .kruise?: return try await client.resource(KruiseSandbox.self, in: namespace).find(sandbox.key.name)
        case .agentSandbox?: return try await agents?.findNow(sandbox.key)
        case nil: return nil
        }
    }

    /// What a snapshot is taken of; nil if its sandbox is gone.
    ///
    /// - Parameter uid: The snapshot's.
    func subject(_ sandbox: SandboxReference, for uid: String) throws -> SnapshotSubject? {
        switch sandbox.dialect {
        case .openSandbox?:
            guard let found = batch.store[sandbox.key] else { return nil }
            let index = try MachineState.storedRecord(in: found)?.member(forSnapshot: uid)?.index
            return SnapshotSubject(of: found, index.flatMap { PodPlaces.place($0, of: found, in: pods.store).pod })
        case .kruise?:
            guard let kruise, let found = kruise.sandboxes.store[sandbox.key] else { return nil }
            return kruise.subject(found, kruise.place(of: found, in: pods.store).pod)
        case .agentSandbox?: return agents?.subject(sandbox.key)
        case nil: return nil
        }
    }
}
