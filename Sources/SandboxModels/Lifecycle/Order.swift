// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

public import struct Foundation.Date

/// Something that is asked for now and was not asked for before.
///
/// A wish that was acted upon is no order any more, whether it came true or not: a failed pause is not tried again
/// until somebody states the wish again. An order that arrives during a transition waits until it is acted upon.
enum Order: Equatable {
    case run
    case pause
    case delete
}

extension Situation {
    /// What is asked for now.
    var order: Order? {
        switch recorded.phase {
        case .deleting, .deleted: return nil
        default: break
        }
        if intent.wish == .deleted || isDue(expiry) || isDue(end) {
            return .delete
        }
        if intent.generation > recorded.acknowledged {
            return intent.wish == .paused ? .pause : .run
        }
        return isDue(idling) ? .pause : nil
    }

    /// The record after the present order was acted upon.
    func acknowledging(_ record: Recorded) -> Recorded {
        var record = record
        record.acknowledged = max(record.acknowledged, intent.generation)
        if order == .pause, isDue(intent.timers.pauseAt) {
            record.spentPauseAt = intent.timers.pauseAt
        }
        return record
    }

    /// The earliest of a date and of the timers that are still to come.
    func earliest(_ date: Date?) -> Date? {
        [date, expiry, end, idling].compactMap(\.self).filter { $0 > now }.min()
    }

    /// When the sandbox expires, unless that is disregarded in its phase.
    private var expiry: Date? {
        intent.timers.expiry(in: recorded.phase.name)
    }

    /// When a sandbox that has failed, or is paused, is deleted by itself.
    private var end: Date? {
        let seconds: Double? =
            switch recorded.phase {
            case .failed: intent.timers.deleteAfterFailure
            case .paused: intent.timers.deleteAfterPause
            default: nil
            }
        return seconds.map { recorded.since.addingTimeInterval($0) }
    }

    /// When a running sandbox is paused by itself.
    private var idling: Date? {
        guard case .running = recorded.phase, intent.wish == .running else { return nil }
        return intent.timers.pauseAt == recorded.spentPauseAt ? nil : intent.timers.pauseAt
    }

    private func isDue(_ date: Date?) -> Bool {
        guard let date else { return false }
        return date <= now
    }
}

extension Timers {
    /// When a sandbox in this phase expires, unless that is disregarded there.
    public func expiry(in phase: Phase.Name) -> Date? {
        switch phase {
        case .deleting, .deleted: nil
        case .pending, .running, .thawing, .failed: expireAt
        case .pausing, .sealing, .releasing, .paused, .resuming: expiresWhilePaused ? expireAt : nil
        }
    }
}
