// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import SandboxModels

/// A machine with one deliberate mistake, to show that the exploration would find it.
enum Mutation: CaseIterable {
    /// Takes a capture's own word for its artifact.
    case verifiesNothingBeforeSealing
    /// Says nothing when a pause did not come about.
    case hidesFailedPause
    /// Has the compute deleted as any other instead of killing it while it is frozen.
    case releasesByPlainDeletion
    /// Starts from an artifact without looking whether it is there.
    case verifiesNothingBeforeResuming
    /// Takes the freeze for sealed once the artifact is durable.
    case skipsSeal
    /// Takes whatever was asked for during a transition as done when that ends.
    case losesQueuedRequest
    /// Begins another capture every time it looks for the first one.
    case beginsAgain
    /// Lets a paused sandbox expire although its dialect says that it does not.
    case expiresPaused
    /// Does not look at the time to expire.
    case neverExpires
    /// Does not look at the time to pause.
    case neverPausesByItself
    /// Does not write down that a time to pause was acted upon.
    case pausesAtTheSameTimeAgain
    /// Does not look at the time after which a failed sandbox is to end.
    case keepsFailed
    /// Deletes a sandbox as soon as it has failed.
    case deletesFailedAtOnce
    /// Begins a pause although a snapshot has its turn.
    case pausesDuringSnapshot
    /// Does not notice that a snapshot is over.
    case keepsTurn
    /// Does not say when to decide again.
    case sleepsOn

    /// The law that it breaks.
    var law: Law {
        switch self {
        case .verifiesNothingBeforeSealing: .one
        case .hidesFailedPause: .two
        case .releasesByPlainDeletion: .three
        case .verifiesNothingBeforeResuming: .four
        case .skipsSeal: .five
        case .losesQueuedRequest, .pausesDuringSnapshot, .keepsTurn: .six
        case .beginsAgain: .seven
        case .expiresPaused, .neverExpires, .neverPausesByItself, .pausesAtTheSameTimeAgain, .keepsFailed,
            .deletesFailedAtOnce, .sleepsOn:
            .eight
        }
    }

    /// What it takes to find it out.
    var budget: Budget {
        switch self {
        case .expiresPaused, .neverExpires: Budget(intents: 2, writes: 0, faults: 1, expiry: .unlessPaused)
        case .neverPausesByItself, .pausesAtTheSameTimeAgain, .sleepsOn:
            Budget(intents: 0, writes: 0, faults: 1, pausesByItself: true)
        case .keepsFailed, .deletesFailedAtOnce: Budget(intents: 0, writes: 0, faults: 1, endsAfterFailure: true)
        case .pausesDuringSnapshot, .keepsTurn: Budget(intents: 1, writes: 0, faults: 0, takesSnapshot: true)
        default: Budget(intents: 2, writes: 1, faults: 1)
        }
    }

    func distort(_ intent: Intent) -> Intent {
        var intent = intent
        switch self {
        case .expiresPaused: intent.timers.expiresWhilePaused = true
        case .neverExpires: intent.timers.expireAt = nil
        case .neverPausesByItself: intent.timers.pauseAt = nil
        case .keepsFailed: intent.timers.deleteAfterFailure = nil
        case .deletesFailedAtOnce: intent.timers.deleteAfterFailure = 0
        default: break
        }
        return intent
    }

    func distort(_ observation: Observation, _ recorded: Recorded) -> Observation {
        var observation = observation
        switch (self, recorded.phase) {
        case (.pausesDuringSnapshot, _) where recorded.checkpoint != nil:
            observation.checkpoint = Observation.Checkpoint.none
        case (.keepsTurn, _) where recorded.checkpoint != nil:
            observation.checkpoint = nil
        case (.verifiesNothingBeforeSealing, .pausing(let capture)):
            observation.verification = Observation.Verification(attempt: capture.number, outcome: .verified)
        case (.verifiesNothingBeforeResuming, .resuming):
            observation.verification = Observation.Verification(attempt: recorded.incarnation, outcome: .verified)
        case (.skipsSeal, .sealing):
            observation.capture?.hold = .sealed
        default:
            break
        }
        return observation
    }

    func distort(_ decision: Decision, from old: Recorded, _ intent: Intent) -> Decision {
        var decision = decision
        switch self {
        case .hidesFailedPause where old.phase.capture != nil && decision.record.phase == .running:
            decision.record.setback = nil
        case .releasesByPlainDeletion:
            decision.actions = decision.actions.map { action in
                guard case .release(_, let attempt) = action else { return action }
                return .deleteCompute(attempt: attempt)
            }
        case .pausesAtTheSameTimeAgain:
            decision.record.spentPauseAt = nil
        case .sleepsOn:
            decision.wakeAt = nil
        case .losesQueuedRequest where decision.record.phase.name == .releasing:
            decision.record.acknowledged = intent.generation
        case .beginsAgain:
            guard case .pausing(let capture) = old.phase, case .capture? = decision.actions.first else { break }
            let number = decision.record.attempts + 1
            let other = CaptureAttempt(uid: Names.uid(UInt8(number)), number: number, deadline: capture.deadline)
            decision.record.attempts = number
            decision.record.phase = .pausing(other)
            decision.actions[0] = .capture(uid: other.uid, until: other.deadline)
        default:
            break
        }
        return decision
    }
}
