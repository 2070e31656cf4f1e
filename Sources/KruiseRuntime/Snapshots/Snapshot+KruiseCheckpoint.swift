// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import ClusterView
import KubeModels
import SandboxModels

import struct Foundation.Date

extension Snapshot {
    /// What an object says, for those who ask for the snapshot.
    init(_ object: KruiseCheckpoint) {
        let metadata = object.metadata
        let created = metadata.creationTimestamp?.date ?? Date(timeIntervalSince1970: 0)
        let sandbox = metadata.labels[Kruise.Label.sandboxName] ?? object.spec.sandboxName ?? object.spec.podName ?? ""
        self.init(
            id: object.checkpointID,
            sandboxID: metadata.annotations[Kruise.Annotation.sandboxID] ?? "\(metadata.namespace ?? "")--\(sandbox)",
            name: metadata.annotations[OpenSandbox.Annotation.snapshotName],
            status: SnapshotStatus(object, created: created),
            createdAt: created,
            owner: metadata.annotations[Kruise.Annotation.owner],
            isInternal: metadata.annotations[Kruise.Annotation.internalSnapshot] == "true"
        )
    }
}

extension SnapshotStatus {
    /// How far a checkpoint is.
    init(_ object: KruiseCheckpoint, created: Date) {
        let status = object.status ?? KruiseCheckpointStatus()
        let state: State
        switch status.phase {
        case _ where object.metadata.deletionTimestamp != nil: state = .deleting
        case .terminating?: state = .deleting
        case .failed?: state = .failed
        case .succeeded? where status.checkpointId?.isEmpty == false: state = .ready
        default: state = .creating
        }
        self.init(
            state: state,
            reason: status.phase?.rawValue ?? KruiseCheckpointPhase.pending.rawValue,
            message: status.message.flatMap { $0.isEmpty ? nil : $0 },
            lastTransitionAt: status.completionTime?.date ?? created,
            progress: state == .creating ? status.progress.map { SandboxStatus.Progress($0) } : nil
        )
    }
}
