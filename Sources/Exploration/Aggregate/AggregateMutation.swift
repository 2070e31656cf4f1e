// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import SandboxModels

/// A machine of aggregates with one deliberate mistake.
enum AggregateMutation: CaseIterable {
    /// Takes all replicas for durable when one is.
    case takesOneForAll
    /// Says nothing when a pause of all did not come about.
    case hidesFailedPause
    /// Leaves those paused that were sealed before another one failed.
    case keepsSealedPaused
    /// Has the compute deleted as any other instead of killing it while it is frozen.
    case releasesByPlainDeletion
    /// Starts a replica from its artifact without looking whether it is there.
    case verifiesNothingBeforeResuming
    /// Takes the freeze for sealed once all are durable.
    case skipsSeal
    /// Takes whatever was asked for during a pause as done.
    case losesQueuedRequest
    /// States the same wish anew every time.
    case tellsAgain
    /// Does not look at the time to expire.
    case neverExpires

    /// The law that it breaks.
    var law: Law {
        switch self {
        case .takesOneForAll: .one
        case .hidesFailedPause, .keepsSealedPaused: .two
        case .releasesByPlainDeletion: .three
        case .verifiesNothingBeforeResuming: .four
        case .skipsSeal: .five
        case .losesQueuedRequest: .six
        case .tellsAgain: .seven
        case .neverExpires: .eight
        }
    }

    /// What it takes to find it out.
    var budget: Budget {
        switch self {
        case .neverExpires: Budget(intents: 0, writes: 0, faults: 0, expiry: .evenPaused)
        case .losesQueuedRequest: Budget(intents: 2, writes: 0, faults: 0)
        case .keepsSealedPaused, .releasesByPlainDeletion: Budget(intents: 1, writes: 0, faults: 0)
        case .takesOneForAll, .tellsAgain, .skipsSeal, .hidesFailedPause, .verifiesNothingBeforeResuming:
            Budget(intents: 1, writes: 0, faults: 1)
        }
    }

    func distort(_ intent: Intent) -> Intent {
        guard self == .neverExpires else { return intent }
        var intent = intent
        intent.timers.expireAt = nil
        return intent
    }

    func distort(_ observations: [String: Observation], _ record: AggregateRecord) -> [String: Observation] {
        var observations = observations
        let isOneReady = record.members.contains { member in
            guard let capture = member.recorded.phase.capture else { return false }
            let verification = observations[member.recorded.identity]?.verification
            return verification == Observation.Verification(attempt: capture.number, outcome: .verified)
        }
        for recorded in record.members.map(\.recorded) {
            switch (self, recorded.phase) {
            case (.verifiesNothingBeforeResuming, .resuming):
                let verified = Observation.Verification(attempt: recorded.incarnation, outcome: .verified)
                observations[recorded.identity]?.verification = verified
            case (.skipsSeal, .sealing):
                observations[recorded.identity]?.capture?.hold = .sealed
            case (.takesOneForAll, .pausing(let capture)) where isOneReady:
                let artifact = Names.artifact(UInt8(capture.number))
                let seen = Observation.Capture(uid: capture.uid, progress: .succeeded(artifact), hold: .held)
                observations[recorded.identity]?.capture = seen
                let verified = Observation.Verification(attempt: capture.number, outcome: .verified)
                observations[recorded.identity]?.verification = verified
            default:
                break
            }
        }
        return observations
    }

    /// The actions in place of those that were decided.
    func distort(_ actions: [Action]) -> [Action] {
        guard self == .releasesByPlainDeletion else { return actions }
        return actions.map { action in
            guard case .release(_, let attempt) = action else { return action }
            return .deleteCompute(attempt: attempt)
        }
    }

    /// The record in place of the one that was decided.
    func distort(_ record: AggregateRecord, from old: AggregateRecord, _ intent: Intent) -> AggregateRecord {
        var record = record
        switch (self, record.stage) {
        case (.hidesFailedPause, .running) where old.stage != .running:
            record.pauseFailure = nil
        case (.tellsAgain, .pausing):
            record.born += 1
        case (.losesQueuedRequest, .pausing) where record.isPastReturn:
            record.acknowledged = intent.generation
        case (.keepsSealedPaused, .undoing):
            for index in record.members.indices where record.members[index].recorded.phase.name == .resuming {
                record.members[index].wish = .running
                record.members[index].recorded.phase = .paused
            }
        default:
            break
        }
        return record
    }
}

extension AggregateRecord {
    /// Whether one of the two has passed the point of no return.
    fileprivate var isPastReturn: Bool {
        members.contains { [.sealing, .releasing, .paused].contains($0.recorded.phase.name) }
    }
}
