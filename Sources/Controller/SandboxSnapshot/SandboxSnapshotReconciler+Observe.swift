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
        let cached = sandboxes.find(snapshot.sandbox)
        let turn = try turn(of: snapshot, in: cached)
        guard case .refused = turn.turn else { return turn }
        // That is final, and a cache may be behind: the sandbox may have been created, or resumed, just before the snapshot.
        let current = try await sandboxes.findNow(snapshot.sandbox)
        if current?.metadata.resourceVersion == cached?.metadata.resourceVersion { return turn }
        return try self.turn(of: snapshot, in: current)
    }

    private func turn(of snapshot: SandboxSnapshot, in sandbox: (any MachineObject)?) throws -> SnapshotTurn {
        guard let sandbox else { return .refused(.noSandbox(of: snapshot)) }
        let uid = snapshot.metadata.uid ?? snapshot.metadata.name
        let record = try MachineState.storedRecord(in: sandbox)
        return SnapshotTurn(of: uid, in: record, replicas: sandbox.wantedReplicas)
    }

    /// Why it will never be taken, whatever its sandbox does.
    private func refusal(of snapshot: SandboxSnapshot) -> Problem? {
        if let source = snapshot.spec.source, !sandboxes.serves(snapshot.sandbox) {
            return Problem(
                "SourceNotSupported",
                "spec.source names \(source.kind) \(source.name) of \(source.apiVersion), but only \(sandboxes.served) can be captured: "
                    + "name a BatchSandbox in spec.sandboxName and leave spec.source out, or have the controller started with the "
                    + "dialect in --dialects."
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
}

extension Problem {
    fileprivate static func noSandbox(of snapshot: SandboxSnapshot) -> Problem {
        Problem(
            SandboxSnapshotCondition.Reason.batchSandboxLookupFailed,
            "There is no \(snapshot.spec.source?.kind ?? "BatchSandbox") \(snapshot.sandbox.key.name) in namespace \(snapshot.metadata.namespace ?? "default"). "
                + "Name one that runs in a new SandboxSnapshot."
        )
    }
}
