// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import struct Foundation.Date

/// What is asked of the whole now and was not asked before. Its members have no timers of their own.
extension AggregateSituation {
    var order: Order? {
        switch record.stage {
        case .deleting, .deleted: return nil
        case .running, .pausing, .undoing, .paused: break
        }
        let intent = intent.intent
        if intent.wish == .deleted || isDue(expiry) || isDue(end) {
            return .delete
        }
        if intent.generation > record.acknowledged {
            return intent.wish == .paused ? .pause : .run
        }
        return isDue(idling) ? .pause : nil
    }

    /// The record after the present order was acted upon.
    var acknowledged: AggregateRecord {
        var next = record
        next.acknowledged = max(record.acknowledged, intent.intent.generation)
        if order == .pause, isDue(intent.intent.timers.pauseAt) {
            next.spentPauseAt = intent.intent.timers.pauseAt
        }
        return next
    }

    /// The dates at which something is to happen by itself.
    var timers: [Date?] { [expiry, end, idling] }

    private var expiry: Date? { intent.intent.timers.expiry(in: record.phase) }

    /// When the whole is deleted because all of it has failed, or is paused.
    private var end: Date? {
        let timers = intent.intent.timers
        let (name, seconds): (Phase.Name, Double?)
        switch record.stage {
        case .running: (name, seconds) = (.failed, timers.deleteAfterFailure)
        case .paused: (name, seconds) = (.paused, timers.deleteAfterPause)
        case .pausing, .undoing, .deleting, .deleted: return nil
        }
        let replicas = record.replicas.map(\.recorded)
        guard let seconds, replicas.allSatisfy({ $0.phase.name == name }) else { return nil }
        return replicas.map(\.since).max()?.addingTimeInterval(seconds)
    }

    /// When the whole is paused by itself.
    private var idling: Date? {
        guard record.phase == .running, intent.intent.wish == .running else { return nil }
        return intent.intent.timers.pauseAt == record.spentPauseAt ? nil : intent.intent.timers.pauseAt
    }

    private func isDue(_ date: Date?) -> Bool {
        guard let date else { return false }
        return date <= now
    }
}
