// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

/// To failed, when the compute ends or gets lost by itself; and from there, by a new wish, to running again.
///
/// A sandbox whose compute is lost does not come back by itself: an artifact of an earlier pause is older than what was
/// lost, so starting from it is for its owner to ask.
extension Situation {
    /// Waits for a new wish.
    ///
    /// The remains of the compute are left alone until then. A wish to pause cannot come true and is answered so;
    /// to take the last artifact for what is paused would hide a loss.
    func failed() -> Move {
        guard case .failed(let failure) = recorded.phase else { return .stay([]) }
        switch order {
        case .run:
            return .become(starting(recorded.artifact == nil ? .pending : .resuming(afterFailure: failure)))
        case .pause:
            var record = acknowledging(recorded)
            record.setback = Recorded.Setback(.pause, .nothingToPause)
            return .become(record)
        case .delete, nil:
            return .stay([])
        }
    }

    /// The compute is gone while it was being captured: keeps what was captured if it turns out to be durable.
    func losing(
        _ capture: CaptureAttempt,
        _ progress: Observation.Capture.Progress?,
        isLate: Bool
    ) -> Move {
        guard !isLate else { return .become(lost(capture, keeping: nil)) }
        switch progress {
        case .active:
            return .stay([], until: capture.deadline)
        case .succeeded(let artifact):
            switch verification(for: capture.number) {
            case .verified: return .become(lost(capture, keeping: artifact))
            case .missing: return .become(lost(capture, keeping: nil))
            case nil: return .stay([.verifyArtifact(artifact, attempt: capture.number)], until: capture.deadline)
            }
        case .some(.none), .failed, nil:
            return .become(lost(capture, keeping: nil))
        }
    }

    /// The record of a sandbox whose compute got lost before its pause was complete. It is not paused: what it did
    /// after it was captured may be lost.
    func lost(_ capture: CaptureAttempt, keeping artifact: Artifact?) -> Recorded {
        var record = entering(.failed(.computeLostWhilePausing))
        record.setback = Recorded.Setback(.pause, .computeLostWhilePausing)
        record.leave(.capture(uid: capture.uid))
        if let artifact {
            record.keep(artifact)
        } else if let artifact = sighting(of: capture)?.progress.artifact {
            record.leave(.artifact(artifact))
        }
        return record
    }
}
