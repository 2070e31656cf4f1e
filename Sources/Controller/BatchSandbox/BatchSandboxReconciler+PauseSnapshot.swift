// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import KubeClient
import KubeModels
import SandboxModels
import SnapshotProvider

extension BatchSandboxReconciler {
    /// Writes the status of SandboxSnapshots.
    var statusWriter: SnapshotStatusWriter {
        SnapshotStatusWriter(client: client, recorder: recorder, provider: providers.standard.name, now: now)
    }

    /// Tells how far the snapshot of a pause is, before the same is told of the sandbox: whoever reads that it is Paused finds a
    /// snapshot that has succeeded. When the sandbox runs again, a snapshot that has succeeded goes.
    ///
    /// - Returns: Whether what was read is still so. If not, a watch tells of that.
    func reportPauseSnapshot(
        _ decision: AggregateDecision,
        _ progress: CaptureProgress?,
        of sandbox: BatchSandbox
    ) async throws -> Bool {
        guard var snapshot = pauseSnapshot(of: sandbox), snapshot.metadata.deletionTimestamp == nil else { return true }
        let request = snapshot.request
        if let request, var stage = decision.record.snapshotStage(ofCapture: request.uid) {
            if case .capturing(nil) = stage { stage = .capturing(progress) }
            guard let told = try await statusWriter.tell(stage, of: request, in: snapshot) else { return false }
            snapshot = told
        }
        guard snapshot.status?.phase == .succeed, decision.record.phase == .running,
            request.map({ !decision.record.needsCapture($0.uid) }) ?? true
        else { return true }
        do {
            _ = try await client.resource(SandboxSnapshot.self, in: .named(sandbox.metadata.namespace ?? "default"))
                .delete(snapshot.metadata.name, DeleteOptions(uid: snapshot.metadata.uid))
        } catch let error as KubeError where error.isNotFound || error.isConflict {
            return true
        }
        return true
    }
}
