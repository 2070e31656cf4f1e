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

    /// The law that it breaks.
    var law: Law {
        switch self {
        case .verifiesNothingBeforeSealing: .one
        case .hidesFailedPause: .two
        case .releasesByPlainDeletion: .three
        case .verifiesNothingBeforeResuming: .four
        case .skipsSeal: .five
        case .losesQueuedRequest: .six
        case .beginsAgain: .seven
        case .expiresPaused: .eight
        }
    }

    func distort(_ intent: Intent) -> Intent {
        guard self == .expiresPaused else { return intent }
        var intent = intent
        intent.timers.expiresWhilePaused = true
        return intent
    }

    func distort(_ observation: Observation, _ recorded: Recorded) -> Observation {
        var observation = observation
        switch (self, recorded.phase) {
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
