// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import KubeClient
import KubeModels
import SandboxModels
import SnapshotProvider

import struct Foundation.Date

/// The requests to a provider. One is written into the SandboxSnapshot before anything is begun, so that after a restart the
/// same is asked: of the same pod and the same containers, into the same images.
extension BatchSandboxReconciler {
    /// The request of a capture that was begun; nil if there is none.
    func request(_ uid: String, of sandbox: BatchSandbox) -> SnapshotRequest? {
        guard let snapshot = pauseSnapshot(of: sandbox), let request = snapshot.request, request.uid == uid else {
            return nil
        }
        return request
    }

    /// The request of a capture, which is begun by writing it down.
    ///
    /// - Returns: Nil if the snapshot of an earlier capture has to go first; its watch tells when it has.
    /// - Throws: `SnapshotFailure` if this sandbox cannot be captured, as its provider says; what the API server did not do.
    func begun(
        _ uid: String,
        until deadline: Date,
        at index: Int,
        _ sandbox: BatchSandbox
    ) async throws -> SnapshotRequest? {
        if let request = request(uid, of: sandbox) { return request }
        guard sandbox.spec.replicas == 1 else {
            throw SnapshotFailure(
                BatchSandboxCondition.Reason.unsupportedReplicas,
                "The sandbox has \(sandbox.spec.replicas) replicas, and only one with a single replica can be paused. Set "
                    + "spec.replicas to 1, then pause it again."
            )
        }
        let snapshots = client.resource(SandboxSnapshot.self, in: .named(sandbox.metadata.namespace ?? "default"))
        if let earlier = pauseSnapshot(of: sandbox) {
            guard earlier.metadata.deletionTimestamp == nil else { return nil }
            do {
                _ = try await snapshots.delete(
                    earlier.metadata.name,
                    DeleteOptions(uid: earlier.metadata.uid, propagation: .foreground)
                )
            } catch let error as KubeError where error.isNotFound || error.isConflict {
                return nil
            }
            return nil
        }
        let provider = providers.standard
        // What the sandbox did after its capture would be lost without a word.
        guard provider.capabilities.canHoldFrozen else {
            throw SnapshotFailure(
                "PauseNotSupported",
                "The provider \(provider.name) cannot hold a sandbox frozen from its capture until its end, so a pause would lose "
                    + "what is written in between. Delete the sandbox, or let a provider pause it that can."
            )
        }
        var snapshot = SandboxSnapshot()
        snapshot.metadata.name = SandboxSnapshot.pauseName(of: sandbox.metadata.name)
        snapshot.metadata.ownerReferences = [sandbox.controllerReference()]
        snapshot.spec.sandboxName = sandbox.metadata.name
        let request: SnapshotRequest?
        let failure: SnapshotFailure?
        do throws(SnapshotFailure) {
            let source = try SnapshotSource(
                pod(at: index, of: sandbox),
                of: sandbox,
                for: snapshot,
                in: settings.registry,
                storesImages: provider.capabilities.storesImages
            )
            let asked = SnapshotRequest(
                uid: uid,
                source: source,
                afterwards: .holdFrozen(until: deadline),
                provider: provider.name
            )
            // Before it is written down: where there is no request, nothing was begun, and nothing has to be thawed.
            try await provider.preflight(asked)
            request = asked
            failure = nil
        } catch {
            if error.isRetryable { throw error }
            request = nil
            failure = error
        }
        snapshot.metadata.annotations[SnapshotRequest.annotationName] = request?.annotation
        let created: SandboxSnapshot
        do {
            created = try await snapshots.create(snapshot)
        } catch let error as KubeError where error.isAlreadyExists {
            return nil
        }
        if let failure {
            // There is one all the same, for whoever looks there for the reason.
            _ = try await statusWriter.tell(.failed(failure.problem), of: nil, in: created)
            throw failure
        }
        return created.request
    }
}

extension SandboxSnapshot {
    /// What its capture was asked for; nil if that is not written down.
    var request: SnapshotRequest? {
        guard let text = metadata.annotations[SnapshotRequest.annotationName],
            var request = SnapshotRequest(annotation: text)
        else { return nil }
        // It was written before there was an object to have a UID.
        request.owner = metadata.uid.map { SnapshotOwner(name: metadata.name, uid: $0) }
        return request
    }
}
