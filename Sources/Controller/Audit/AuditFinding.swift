// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import KubeModels
import SandboxModels

/// What is known of the images of a snapshot.
enum AuditFinding: Hashable {
    /// Every manifest and blob is there.
    case available
    /// Something is not; what, and what to do.
    case missing(String)

    /// The name of the finding, as a label and in memory.
    var name: AuditFindingName {
        switch self {
        case .available: .available
        case .missing: .missing
        }
    }

    /// It as a condition of the snapshot.
    func condition(generation: Int?, now: Timestamp) -> KubeModels.Condition {
        .with {
            $0.type = SandboxSnapshotCondition.artifactAvailable.rawValue
            $0.observedGeneration = generation
            $0.lastTransitionTime = now
            switch self {
            case .available:
                $0.status = "True"
                $0.reason = SandboxSnapshotCondition.Reason.artifactVerified
                $0.message = "Every manifest and blob of the snapshot is in its registry."
            case .missing(let message):
                $0.status = "False"
                $0.reason = SandboxSnapshotCondition.Reason.artifactMissing
                $0.message = message
            }
        }
    }
}

/// The names of findings.
enum AuditFindingName: String, CaseIterable, Sendable {
    case available, missing
    /// Nobody has looked yet.
    case unknown
}
