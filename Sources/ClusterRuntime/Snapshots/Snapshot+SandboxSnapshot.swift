// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import ClusterView
import KubeModels
import KubeRuntime
import SandboxModels

import struct Foundation.Date

extension StoreIndex<SandboxSnapshot> {
    /// By what clients call a snapshot.
    static let snapshotID = StoreIndex("snapshot-id") { $0.isPublic ? [$0.snapshotID] : [] }
}

extension SandboxSnapshot {
    /// Whether it was asked for of a sandbox of this dialect, and is not that of a pause.
    var isPublic: Bool { !isOfPause && spec.source == nil }

    /// What clients call it: its label, or the object's own name if somebody made it without the server.
    var snapshotID: String {
        if let id = metadata.labels[OpenSandbox.Label.snapshotID], !id.isEmpty { return id }
        return metadata.name
    }
}

extension Snapshot {
    /// What an object says, for those who ask for the snapshot.
    init(_ object: SandboxSnapshot) {
        let created = object.metadata.creationTimestamp?.date ?? Date(timeIntervalSince1970: 0)
        let status = SnapshotStatus(object, created: created)
        self.init(
            id: object.snapshotID,
            sandboxID: object.metadata.labels[OpenSandbox.Label.sourceSandboxID] ?? object.spec.sandboxName,
            name: object.metadata.annotations[OpenSandbox.Annotation.snapshotName],
            status: status,
            createdAt: created,
            artifact: status.state == .ready ? object.status.flatMap { Artifact($0) } : nil
        )
    }
}

extension SnapshotStatus {
    /// How far a snapshot is, in the words of the API and with upstream's reasons.
    init(_ object: SandboxSnapshot, created: Date) {
        let status = object.status ?? SandboxSnapshotStatus()
        let condition = status.conditions.first { $0.status == "True" }
        var state = State.creating
        var reason: String? = "snapshot_accepted"
        var message: String?
        switch status.phase {
        case .succeed?:
            (state, reason) = (.ready, "snapshot_runtime_ready")
            if let missing = status.conditions["ArtifactAvailable"], missing.status == "False" {
                (reason, message) = ("snapshot_artifact_missing", missing.message)
            }
        case .failed?:
            (state, reason, message) = (
                .failed, condition?.reason ?? "snapshot_runtime_create_failed", condition?.message
            )
        case .committing?:
            (reason, message) = ("snapshot_capturing", status.progress?.summary)
        default: break
        }
        if object.metadata.deletionTimestamp != nil {
            (state, reason, message) = (.deleting, "snapshot_delete_requested", nil)
        }
        self.init(
            state: state,
            reason: reason,
            message: message,
            lastTransitionAt: condition?.lastTransitionTime?.date ?? status.startTime?.date ?? created,
            progress: state == .creating ? status.progress.map { SandboxStatus.Progress($0) } : nil
        )
    }
}
