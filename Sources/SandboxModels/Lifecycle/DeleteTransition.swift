// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

/// From anywhere to deleted.
extension Situation {
    /// The record of a sandbox that is to be deleted, from whatever phase. There is no way back.
    ///
    /// A freeze is not waited for, sealed or not: the owner wants nothing of this sandbox any more.
    func deleting() -> Recorded {
        var record = acknowledging(entering(.deleting))
        if let capture = recorded.phase.capture {
            record.leave(.capture(uid: capture.uid))
            if let artifact = sighting(of: capture)?.progress.artifact {
                record.leave(.artifact(artifact))
            }
        }
        switch recorded.phase {
        case .sealing(_, let artifact), .releasing(_, let artifact), .thawing(_, _, let artifact?):
            record.leave(.artifact(artifact))
        default:
            break
        }
        if let artifact = record.artifact {
            record.artifact = nil
            record.leave(.artifact(artifact))
        }
        return record
    }

    /// Deletes the compute; done when that is gone and nothing is left to clean up.
    func beingDeleted() -> Move {
        guard observation.compute == .absent else {
            return .stay([.deleteCompute(attempt: observation.compute.incarnation ?? recorded.incarnation)])
        }
        return recorded.leftovers.isEmpty ? .become(entering(.deleted)) : .stay([])
    }
}
