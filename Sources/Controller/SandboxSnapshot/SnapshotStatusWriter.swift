// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import KubeClient
import KubeModels
import KubeRuntime
import SandboxModels
import SnapshotProvider

import struct Foundation.Date

/// Tells how far SandboxSnapshots are, in their status and by events. Nobody else writes either.
struct SnapshotStatusWriter: Sendable {
    let client: KubeClient
    let recorder: EventRecorder
    /// The name of the provider that captures where a request does not say.
    let provider: String
    let now: @Sendable () -> Date

    /// Tells how far a snapshot is, if that is news.
    ///
    /// - Returns: The snapshot as it is now; nil if it has changed since it was read, or is gone. Its watch tells of that.
    /// - Throws: What the API server did not do.
    func tell(
        _ stage: SnapshotStage,
        of request: SnapshotRequest?,
        in snapshot: SandboxSnapshot
    ) async throws -> SandboxSnapshot? {
        let status = snapshot.status(at: stage, of: request, by: request?.provider ?? provider, now: Timestamp(now()))
        guard status != snapshot.status else { return snapshot }
        var told = snapshot
        told.status = status
        let change = try MergePatch(from: snapshot, to: told)
            .requiring(resourceVersion: snapshot.metadata.resourceVersion ?? "")
        let snapshots = client.resource(SandboxSnapshot.self, in: .named(snapshot.metadata.namespace ?? "default"))
        do {
            told = try await snapshots.patch(snapshot.metadata.name, .merge(change), subresource: .status)
        } catch let error as KubeError where error.isConflict || error.isNotFound {
            return nil
        }
        if let note = Self.note(from: snapshot.status?.phase, to: status) {
            recorder.record(note.severity, about: told, reason: note.reason, note.message)
        }
        return told
    }

    /// What people are told when the phase has changed: under upstream's reasons, where it has some.
    static func note(
        from before: SandboxSnapshotPhase?,
        to status: SandboxSnapshotStatus
    ) -> (severity: EventNote.Severity, reason: String, message: String)? {
        guard let phase = status.phase, phase != before else { return nil }
        let pod = status.sourcePodName ?? "of the sandbox"
        switch phase {
        case .committing:
            return (.normal, "CreatedJob", "Capturing pod \(pod) on node \(status.sourceNodeName ?? "unknown").")
        case .succeed:
            let images = status.containers.map { "\($0.imageUri)@\($0.imageDigest ?? "unknown")" }
            let frozen = status.frozenMilliseconds.map { ", frozen for \($0) ms" } ?? ""
            return (.normal, "JobSucceeded", "Captured \(images.joined(separator: ", "))\(frozen).")
        case .failed:
            let failure = status.conditions["Failed"]
            let message = "\(failure?.reason ?? "Failed"): \(failure?.message ?? "no reason was given")"
            return (.warning, before == .committing ? "JobFailed" : "SnapshotFailed", message)
        default:
            return nil
        }
    }
}
