// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import KubeModels
import KubeRuntime
import SandboxModels
import SnapshotProvider

import struct Foundation.Date

/// Sandboxes that OpenSandbox's own controller has paused. Those that run need nothing: they are told by their pods.
extension BatchSandboxReconciler {
    /// How long to wait before a registry is asked again.
    private static let pause = Duration.seconds(30)

    /// Writes down what another controller's pause has left, if it has paused the sandbox.
    ///
    /// Without that, a sandbox that nothing is written down about would be taken for a new one, and get a pod without its files.
    ///
    /// - Returns: When to look again, if nothing more may be done about the sandbox now.
    func takeOver(_ sandbox: inout BatchSandbox) async throws -> Reconciliation? {
        guard wasPausedByAnother(sandbox) else { return nil }
        let artifact: Artifact
        do {
            artifact = try await artifactOfAnother(of: sandbox)
        } catch let failure as SnapshotFailure {
            try await report(SandboxNotice(notTakenOver: failure), of: sandbox)
            return .requeue(after: Self.pause)
        }
        var state = try BatchSandboxState(of: sandbox)
        state.takeOver(artifact, of: sandbox, now: now())
        guard let change = state.change(of: sandbox, settings),
            let written = try await write(change, to: sandbox)
        else { return .done }
        sandbox = written
        recorder.record(
            .normal,
            about: sandbox,
            reason: "TakenOver",
            "Another controller has paused it. It will be resumed from "
                + artifact.parts.map { "\($0.reference) (\($0.digest))" }.joined(separator: ", ") + "."
        )
        return nil
    }

    /// Whether it is paused, and it was not this controller that has paused it.
    private func wasPausedByAnother(_ sandbox: BatchSandbox) -> Bool {
        guard sandbox.metadata.annotations[OpenSandbox.Annotation.record] == nil,
            sandbox.metadata.deletionTimestamp == nil, sandbox.isIndependent
        else { return false }
        switch sandbox.status?.phase {
        case .paused?: return true
        // The other one has ended before it could write down that it was done, or before it had made the pod.
        case .pausing?, .resuming?:
            return place(0, of: sandbox).pod == nil
                && pauseSnapshot(of: sandbox, at: 0)?.status?.phase == .succeed
        default: return false
        }
    }

    /// What the other controller's pause has made.
    ///
    /// - Throws: `SnapshotFailure` if it cannot be known.
    private func artifactOfAnother(of sandbox: BatchSandbox) async throws -> Artifact {
        let name = SandboxSnapshot.pauseName(of: sandbox.metadata.name)
        guard let status = pauseSnapshot(of: sandbox, at: 0)?.status, status.phase == .succeed,
            !status.containers.isEmpty
        else {
            throw SnapshotFailure(
                "SnapshotNotFound",
                "there is no SandboxSnapshot \(name) of it that has succeeded. Put it back, or delete the sandbox."
            )
        }
        guard let find = providers.takeOver else {
            throw SnapshotFailure(
                "NotSupported",
                "the provider \(providers.standard.name) knows nothing of other controllers' images."
            )
        }
        let images = status.containers.map {
            ForeignImage(container: $0.containerName, reference: $0.imageUri)
        }
        switch await find(images, sandbox.metadata.namespace ?? "default") {
        case .done(let artifact): return artifact
        case .failed(let failure): throw failure
        case .waiting:
            throw SnapshotFailure("TargetUnavailable", "the registry does not answer yet.", isRetryable: true)
        }
    }
}

extension BatchSandboxState {
    /// Takes another controller's pause for one of its own.
    ///
    /// There, a sandbox of which `pause` says nothing stays as it is, and one that is to be resumed says `false`.
    mutating func takeOver(_ artifact: Artifact, of sandbox: BatchSandbox, now: Date) {
        let isToStay = sandbox.spec.pause ?? true
        intent.wantsPaused = isToStay
        record = AggregateRecord(
            paused: record.identity,
            acknowledged: isToStay ? intent.statements : intent.statements - 1,
            artifact: artifact,
            now: now
        )
    }
}

extension SandboxNotice {
    /// Another controller has paused it, and what of is not to be found.
    fileprivate init(notTakenOver failure: SnapshotFailure) {
        self.init(
            reason: "NotTakenOver",
            message:
                "Another controller has paused it, and what it is to be resumed from cannot be known, so it stays as it is "
                + "(\(failure.reason)): \(failure.message)",
            isTrouble: true
        )
    }
}
