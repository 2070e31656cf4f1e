// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import SandboxModels

/// A machine of snapshots with one deliberate mistake.
enum SnapshotMutation: CaseIterable {
    /// Takes a capture's own word for its artifact.
    case verifiesNothing
    /// Begins to capture without waiting for its turn.
    case capturesOutOfTurn
    /// Says that it is ready or has failed before its capture has ended.
    case doesNotEndItsCapture
    /// Deletes the artifact of a snapshot that is ready.
    case deletesWhatIsReferred
    /// Keeps what was captured although the snapshot has failed.
    case leavesWhatItStored
    /// Forgets the artifact when it is deleted.
    case forgetsItsArtifact
    /// Keeps waiting for a capture after its deadline.
    case ignoresItsDeadline
    /// Verifies again and again.
    case neverBelieves

    var law: Law {
        switch self {
        case .verifiesNothing: .one
        case .capturesOutOfTurn: .six
        case .doesNotEndItsCapture: .five
        case .deletesWhatIsReferred: .references
        case .leavesWhatItStored, .forgetsItsArtifact, .neverBelieves: .progress
        case .ignoresItsDeadline: .eight
        }
    }

    func distort(_ observation: SnapshotObservation) -> SnapshotObservation {
        var observation = observation
        switch self {
        case .verifiesNothing: observation.verification = .verified
        case .capturesOutOfTurn: observation.turn = .granted
        case .doesNotEndItsCapture: observation.isCaptureEnded = true
        case .neverBelieves: observation.verification = nil
        default: break
        }
        return observation
    }

    func distort(_ decision: SnapshotDecision) -> SnapshotDecision {
        var decision = decision
        switch (self, decision.record.phase) {
        case (.deletesWhatIsReferred, .ready(let artifact)):
            decision.actions.append(.deleteArtifact(artifact))
        case (.leavesWhatItStored, .ending(.failed)):
            decision.actions = [.endCapture(uid: SnapshotMachine.uid, keeping: Names.artifact(SnapshotMachine.number))]
        case (.forgetsItsArtifact, .deleting):
            decision.record.unneeded = nil
            decision.record.phase = .deleted
            decision.actions = []
        case (.ignoresItsDeadline, .capturing):
            decision.wakeAt = nil
        default:
            break
        }
        return decision
    }
}
