// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import SandboxModels

import struct Foundation.Date

/// What can be seen of a decision alone.
extension Law {
    static func violation(
        of decision: Decision,
        from old: Recorded,
        _ intent: Intent,
        _ now: Date,
        again: (Recorded, Date) -> Decision
    ) -> Violation? {
        sevenBroken(decision, now, again)
            ?? twoBroken(decision.record, old)
            ?? fourBroken(decision.record, old, intent)
            ?? fiveBroken(decision)
            ?? sixBroken(decision.record, old, intent, now)
            ?? eightBroken(decision, old, intent, now, again)
    }

    static func twoBroken(_ new: Recorded, _ old: Recorded) -> Violation? {
        guard old.phase.capture != nil, new.phase == .running, new.setback?.transition != .pause else { return nil }
        return Violation(.two, "a pause did not come about and nothing says why")
    }

    static func fourBroken(_ new: Recorded, _ old: Recorded, _ intent: Intent) -> Violation? {
        switch (old.phase.name, new.phase.name) {
        case (.resuming, .paused), (.resuming, .failed):
            if new.setback?.transition != .resume {
                return Violation(.four, "a resume did not come about and nothing says why")
            }
        case (.failed, .failed) where intent.wish == .running && intent.generation > old.acknowledged:
            return Violation(.four, "failed is a dead end")
        default:
            break
        }
        if old.artifact != nil, new.artifact == nil, new.phase.name != .deleting, new.phase.name != .deleted {
            return Violation(.four, "the artifact that a resume would start from is given up")
        }
        return nil
    }

    static func fiveBroken(_ decision: Decision) -> Violation? {
        for action in decision.actions {
            switch (action, decision.record.phase) {
            case (.seal(let uid), .sealing(let capture, _)) where uid == capture.uid: continue
            case (.release(let uid, _), .releasing(let capture, _)) where uid == capture.uid: continue
            case (.capture(let uid, let until), .pausing(let capture)) where uid == capture.uid:
                if until != capture.deadline { return Violation(.five, "the freeze has another deadline") }
            case (.seal, _), (.release, _), (.capture, _):
                return Violation(.five, "\(action) is not recorded first")
            default: continue
            }
        }
        return nil
    }

    private static func sixBroken(_ new: Recorded, _ old: Recorded, _ intent: Intent, _ now: Date) -> Violation? {
        let isNew = intent.generation > old.acknowledged
        if new.attempts > old.attempts, !isNew {
            let timer = intent.timers.pauseAt ?? .distantFuture
            guard timer <= now, old.spentPauseAt != timer, new.phase.name == .pausing else {
                return Violation(.six, "something is begun that nobody asked for")
            }
        }
        if new.acknowledged > intent.generation || new.acknowledged < old.acknowledged {
            return Violation(.six, "what is acknowledged was not asked for")
        }
        guard new.acknowledged > old.acknowledged else { return nil }
        switch (intent.wish, new.phase.name) {
        case (_, .deleting), (_, .deleted): return nil
        case (.running, .running), (.running, .pending), (.running, .resuming), (.running, .thawing): return nil
        case (.running, .pausing) where new.spentPauseAt != old.spentPauseAt: return nil
        case (.running, .failed) where old.phase.name != .failed: return nil
        case (.paused, .paused), (.paused, .pausing), (.paused, .sealing), (.paused, .releasing): return nil
        case (.paused, .failed) where new.setback?.transition == .pause: return nil
        default: return Violation(.six, "a request is lost: \(intent.wish) is acknowledged as \(new.phase.name)")
        }
    }

    private static func sevenBroken(
        _ decision: Decision,
        _ now: Date,
        _ again: (Recorded, Date) -> Decision
    ) -> Violation? {
        let second = again(decision.record, now)
        guard second.record == decision.record, second.actions == decision.actions else {
            return Violation(.seven, "deciding again gives \(second.record) \(second.actions)")
        }
        return nil
    }

    private static func eightBroken(
        _ decision: Decision,
        _ old: Recorded,
        _ intent: Intent,
        _ now: Date,
        _ again: (Recorded, Date) -> Decision
    ) -> Violation? {
        if old.phase.name != .deleting, old.phase.name != .deleted, intent.wish != .deleted,
            decision.record.phase.name == .deleting || decision.record.phase.name == .deleted
        {
            let isExpired = intent.timers.expireAt.map { $0 <= now } ?? false
            let isOver =
                old.phase.name == .failed
                && intent.timers.deleteAfterFailure.map { $0 <= now.timeIntervalSince(old.since) } ?? false
            guard isExpired && (intent.timers.expiresWhilePaused || !old.phase.name.isPaused) || isOver else {
                return Violation(.eight, "a sandbox is deleted before its time")
            }
        }
        if old.phase == .running, decision.record.phase.name == .pausing, intent.generation == old.acknowledged,
            decision.record.spentPauseAt != intent.timers.pauseAt
        {
            return Violation(.eight, "a time to pause acts more than once")
        }
        for moment in Moment.all where moment > now && moment < decision.wakeAt ?? .distantFuture {
            let later = again(decision.record, moment)
            guard later == decision else {
                return Violation(.eight, "the decision changes at \(moment) but is to be made again at \(later)")
            }
        }
        return nil
    }
}

extension Moment {
    /// Moments around everything that a decision can depend on.
    static let all: [Date] = [deadline, endOfGrace, future].flatMap { [$0.addingTimeInterval(-1), $0] }
}

extension Phase.Name {
    /// Whether there is no way but to be paused.
    var isPaused: Bool { self == .releasing || self == .paused }

    /// Whether the pause that is under way may still fail.
    var isPausing: Bool { self == .pausing || self == .sealing || self == .thawing }

    /// Whether a sandbox in this phase is paused, or on its way there or back.
    var isNearPaused: Bool {
        switch self {
        case .pausing, .sealing, .releasing, .paused, .resuming: true
        case .pending, .running, .thawing, .failed, .deleting, .deleted: false
        }
    }
}
