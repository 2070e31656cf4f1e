// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import KubeModels
import KubeRuntime
import SandboxModels

/// Whether the snapshots' images were in the registry when the controller looked last.
struct ArtifactCheck: Sendable {
    let snapshots: [SandboxSnapshot]

    var findings: [DoctorFinding] {
        let conditions = snapshots.compactMap { snapshot in
            snapshot.status?.conditions[SandboxSnapshotCondition.artifactAvailable.rawValue].map { (snapshot, $0) }
        }
        let missing = conditions.filter { $0.1.status == "False" }
        guard missing.isEmpty else {
            return missing.map { snapshot, condition in
                .fault(
                    .artifactMissing,
                    "SandboxSnapshot \(snapshot.key)",
                    condition.message ?? "its image is not in the registry",
                    do:
                        "Put the image back under its digest; else delete the snapshot, and the sandbox that is paused with it."
                )
            }
        }
        let known = "\(conditions.count) of \(snapshots.count) were looked for, and are there"
        return [.ok(.artifacts, "\(snapshots.count) snapshots", snapshots.isEmpty ? "there are none" : known)]
    }
}
