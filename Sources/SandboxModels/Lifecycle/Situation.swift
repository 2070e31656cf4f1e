// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import struct Foundation.Date

/// Everything that a decision is made from.
struct Situation {
    let intent: Intent
    var recorded: Recorded
    let observation: Observation
    let now: Date
    let policy: LifecyclePolicy
    /// What those decide who are paused together with this one.
    var company = Company.none

    /// How the other members of an aggregate bear on one of them.
    struct Company {
        /// Whether a durable capture may pass the point of no return, or waits for others.
        var maySeal: Bool
        /// Why a pause is cancelled, if it is.
        var cancellation: Problem

        /// That of a sandbox that is alone.
        static let none = Company(maySeal: true, cancellation: .pauseCancelled)
    }

    /// What follows from a situation.
    enum Move {
        /// This is now to be recorded, and what follows from it is to be asked next.
        case become(Recorded)
        /// Nothing more can be concluded: do this, and decide again at that time at the latest.
        case stay([Action], until: Date? = nil)
    }

    /// What follows from the recorded phase.
    var move: Move {
        if order == .delete {
            return .become(deleting())
        }
        switch recorded.phase {
        case .pending: return pending()
        case .running: return running()
        case .pausing(let capture): return pausing(capture)
        case .sealing(let capture, let artifact): return sealing(capture, artifact)
        case .releasing(let capture, let artifact): return releasing(capture, artifact)
        case .thawing(let capture, let problem, let artifact): return thawing(capture, problem, artifact)
        case .paused: return paused()
        case .resuming(let failure): return resuming(failure)
        case .failed: return failed()
        case .deleting: return beingDeleted()
        case .deleted: return .stay([])
        }
    }

    /// The record with another phase.
    func entering(_ phase: Phase) -> Recorded {
        var record = recorded
        if record.phase.name != phase.name {
            record.since = now
        }
        record.phase = phase
        return record
    }

    /// What was seen of this very capture.
    func sighting(of capture: CaptureAttempt) -> Observation.Capture? {
        guard let seen = observation.capture, seen.uid == capture.uid else { return nil }
        return seen
    }

    /// What came of the verification made for this very attempt.
    func verification(for attempt: Int) -> Observation.Verification.Outcome? {
        guard let seen = observation.verification, seen.attempt == attempt else { return nil }
        return seen.outcome
    }

    /// Why the recorded compute is gone, if it is.
    var loss: Problem? {
        switch observation.compute {
        case .absent: .computeLost
        case .ended(recorded.incarnation, let problem): problem
        case .unknown, .starting, .running, .stopping, .ended: nil
        }
    }

    /// Deletes the leftovers of earlier transitions, whatever the present one is.
    var cleanup: [Action] {
        recorded.leftovers.map { leftover in
            switch leftover {
            case .capture(let uid): .forgetCapture(uid: uid)
            case .artifact(let artifact): .deleteArtifact(artifact)
            }
        }
    }
}
