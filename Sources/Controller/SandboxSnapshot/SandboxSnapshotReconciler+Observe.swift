// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import KubeClient
import KubeModels
import KubeRuntime
import SandboxModels
import SnapshotProvider

extension SandboxSnapshotReconciler {
    /// Whether it is the turn of a snapshot that waits for it.
    func turn(of snapshot: SandboxSnapshot) async throws -> SnapshotTurn {
        if let refusal = refusal(of: snapshot) { return .refused(refusal) }
        let cached = sandboxes.store[snapshot.sandboxKey]
        let turn = try turn(of: snapshot, in: cached)
        guard case .refused = turn.turn else { return turn }
        // That is final, and a cache may be behind: the sandbox may have been created, or resumed, just before the snapshot.
        let namespace = NamespaceScope.named(snapshot.metadata.namespace ?? "default")
        let current = try await client.resource(BatchSandbox.self, in: namespace).find(snapshot.spec.sandboxName)
        if current == cached { return turn }
        return try self.turn(of: snapshot, in: current)
    }

    private func turn(of snapshot: SandboxSnapshot, in sandbox: BatchSandbox?) throws -> SnapshotTurn {
        guard let sandbox else { return .refused(.noSandbox(of: snapshot)) }
        let uid = snapshot.metadata.uid ?? snapshot.metadata.name
        let record = try BatchSandboxState.storedRecord(in: sandbox)
        return SnapshotTurn(of: uid, in: record, replicas: sandbox.spec.replicas)
    }

    /// Why it will never be taken, whatever its sandbox does.
    private func refusal(of snapshot: SandboxSnapshot) -> Problem? {
        if let source = snapshot.spec.source {
            return Problem(
                "SourceNotSupported",
                "spec.source names \(source.kind) \(source.name), but only BatchSandboxes can be captured: name one in "
                    + "spec.sandboxName and leave spec.source out."
            )
        }
        guard let provider = providers[snapshot.spec.provider] else {
            return Problem(
                "ProviderNotFound",
                "spec.provider is \(snapshot.spec.provider ?? ""), but this controller has only "
                    + "\(providers.names.joined(separator: ", ")). Leave it out, or name one of them."
            )
        }
        if settings.registry.isEmpty, provider.capabilities.storesImages {
            return SnapshotFailure.registryNotConfigured.problem
        }
        guard provider.capabilities.canKeepRunning else {
            return Problem(
                "SnapshotNotSupported",
                "The provider \(provider.name) cannot let a sandbox go on after its capture. Pause the sandbox instead."
            )
        }
        return nil
    }

    /// The pod that a snapshot is taken of, and whose it is; nil if they are gone.
    func source(of snapshot: SandboxSnapshot) throws -> (sandbox: BatchSandbox, pod: Pod?)? {
        guard let sandbox = sandboxes.store[snapshot.sandboxKey] else { return nil }
        let uid = snapshot.metadata.uid ?? snapshot.metadata.name
        guard let member = try BatchSandboxState.storedRecord(in: sandbox)?.member(forSnapshot: uid) else {
            return (sandbox, nil)
        }
        return (sandbox, PodPlaces.place(member.index, of: sandbox, in: pods.store).pod)
    }
}

extension SandboxSnapshot {
    /// The sandbox that it is of.
    var sandboxKey: ObjectKey { ObjectKey(namespace: metadata.namespace, name: spec.sandboxName) }
}

extension Problem {
    fileprivate static func noSandbox(of snapshot: SandboxSnapshot) -> Problem {
        Problem(
            SandboxSnapshotCondition.Reason.batchSandboxLookupFailed,
            "There is no BatchSandbox \(snapshot.spec.sandboxName) in namespace \(snapshot.metadata.namespace ?? "default"). "
                + "Name one that runs in a new SandboxSnapshot."
        )
    }
}
