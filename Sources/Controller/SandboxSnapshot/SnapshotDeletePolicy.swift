// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import KubeModels
import SandboxModels

/// What becomes of the images of a SandboxSnapshot that is deleted, and of those of the pauses of a BatchSandbox that is.
public enum SnapshotDeletePolicy: String, Sendable, Hashable, CaseIterable {
    /// They stay in the registry, as upstream leaves them.
    case retain = "Retain"
    /// They are deleted, unless something in the cluster still refers to them.
    case delete = "Delete"
}

extension KubeResource {
    /// What is to become of its images: what its annotation says, else what the controller was told.
    ///
    /// An annotation that says something else keeps them: what is deleted does not come back.
    func deletePolicy(else standard: SnapshotDeletePolicy) -> SnapshotDeletePolicy {
        guard let text = metadata.annotations[OpenSandbox.Annotation.deletePolicy] else { return standard }
        return SnapshotDeletePolicy(rawValue: text) ?? .retain
    }
}

extension SandboxControllerSettings {
    /// Whether any image of a sandbox's pauses may have to be deleted, now or one day.
    func tracksImages(of sandbox: some KubeResource) -> Bool {
        if sandbox.deletePolicy(else: snapshotDeletePolicy) == .delete { return true }
        return retention.generations > 0 && sandbox.metadata.deletionTimestamp == nil
    }
}
