// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import KubeClient
import KubeModels
import KubeRuntime
import SandboxModels
import SnapshotProvider

extension SandboxReconciler {
    /// Writes the status of SandboxSnapshots.
    var statusWriter: SnapshotStatusWriter {
        SnapshotStatusWriter(client: client, recorder: recorder, provider: providers.standard.name, now: now)
    }

    /// The snapshot that a pause of a sandbox makes of the replica at a place, if it is there.
    func pauseSnapshot(of sandbox: Sandbox, at index: Int) -> SandboxSnapshot? {
        let name = SandboxSnapshot.pauseName(of: sandbox.metadata.name, replica: index)
        let found = snapshots.store[ObjectKey(namespace: sandbox.metadata.namespace, name: name)]
        return found.flatMap { $0.isOfPause(of: sandbox) ? $0 : nil }
    }

    /// All snapshots that pauses of a sandbox have made and that are not being deleted.
    private func pauseSnapshots(of sandbox: Sandbox) -> [SandboxSnapshot] {
        snapshots.store.objects(.sandbox, sandbox.reference.description)
            .filter { $0.isOfPause(of: sandbox) && $0.metadata.deletionTimestamp == nil }
            .sorted { $0.metadata.name < $1.metadata.name }
    }

    /// Tells how far the snapshots of a pause are, before the same is told of the sandbox: whoever reads that it is Paused finds
    /// that they have succeeded. When the sandbox runs again, those that have succeeded go, and those of replicas that are gone.
    ///
    /// - Parameter progress: How far captures are, by the identities of their members.
    /// - Returns: Whether what was read is still so. If not, a watch tells of that.
    func reportPauseSnapshots(
        _ record: AggregateRecord,
        _ progress: [String: CaptureProgress] = [:],
        of sandbox: Sandbox
    ) async throws -> Bool {
        let told = pauseSnapshots(of: sandbox)
        guard !told.isEmpty else { return true }
        let places = Set(
            record.members.map { SandboxSnapshot.pauseName(of: sandbox.metadata.name, replica: $0.index) }
        )
        for var snapshot in told {
            let request = snapshot.request
            if let request, var stage = record.snapshotStage(ofCapture: request.uid) {
                if case .capturing(nil) = stage, let member = record.member(withCapture: request.uid) {
                    stage = .capturing(progress[member.recorded.identity])
                }
                guard let written = try await statusWriter.tell(stage, of: request, in: snapshot) else { return false }
                snapshot = written
            }
            let isOver = snapshot.status?.phase == .succeed || !places.contains(snapshot.metadata.name)
            guard isOver, record.phase == .running, request.map({ !record.needsCapture($0.uid) }) ?? true else {
                continue
            }
            try await delete(snapshot)
        }
        return true
    }

    /// Deletes a snapshot, and no other one that comes to have its name.
    func delete(_ snapshot: SandboxSnapshot, propagation: DeleteOptions.Propagation? = nil) async throws {
        guard snapshot.metadata.deletionTimestamp == nil else { return }
        do {
            _ = try await client.resource(SandboxSnapshot.self, in: .named(snapshot.metadata.namespace ?? "default"))
                .delete(
                    snapshot.metadata.name,
                    DeleteOptions(uid: snapshot.metadata.uid, propagation: propagation)
                )
        } catch let error as KubeError where error.isNotFound || error.isConflict {
            return
        }
    }
}

extension SandboxSnapshot {
    /// Whether it is that of a pause of this very sandbox.
    fileprivate func isOfPause(of sandbox: some MachineObject) -> Bool {
        metadata.ownerReferences.contains { $0.controller == true && $0.uid == sandbox.metadata.uid }
    }
}
