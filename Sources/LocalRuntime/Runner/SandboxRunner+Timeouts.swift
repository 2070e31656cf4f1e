// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import SandboxModels

import struct Foundation.Date

/// Timeouts as the E2B API means them: what ends at a date is a run, and what happens then is the sandbox's policy.
///
/// Each of these is one write in its turn, so of several at once each sees what the one before has made of it: an extension
/// that was answered is never lost to a pause or a deletion by itself that was decided before it.
extension SandboxRunner {
    /// Makes the time of a running sandbox end at another date.
    ///
    /// - Parameter onlyIfLater: Whether an end that is later already stays.
    /// - Throws: `SandboxError` with `notFound` or `invalidState`, or what the store threw.
    func setTimeout(to date: Date, onlyIfLater: Bool) async throws {
        try await change(.renew, api: .e2b) { intent in
            try expectTimeLeft(intent)
            guard isRunning else {
                throw SandboxError(
                    .invalidState,
                    "the sandbox \(id) does not run, so its time cannot be changed: connect to it to resume it"
                )
            }
            intent.timers.end(at: date, onlyIfLater: onlyIfLater, row.spec.timeout)
        }
    }

    /// States the wish to pause, unless it is paused or being paused.
    ///
    /// - Throws: `SandboxError` with `notFound` or `invalidState`, or what the store threw.
    func pause(keptFor retention: PausedRetention?) async throws {
        try await change(.pause, api: .e2b) { intent in
            try expectTimeLeft(intent)
            try expectNoSnapshot()
            intent.wish = .paused
            intent.generation += 1
            if let retention { intent.timers.deleteAfterPause = retention.seconds }
        }
        wishRequest = RequestID.current
    }

    /// States the wish to run unless it runs or is about to, and gives it time.
    ///
    /// - Returns: Whether the wish was stated.
    /// - Throws: `SandboxError` with `notFound` or `invalidState`, or what the store threw.
    func connect(until date: Date) async throws -> Bool {
        try await amend { intent in
            try expectTimeLeft(intent)
            switch Lifecycle.admit(.resume, intent: intent, recorded: row.recorded, api: .e2b) {
            case .refuse(let refusal): throw SandboxError(refusal)
            case .noop:
                intent.timers.end(at: date, onlyIfLater: true, row.spec.timeout)
                return false
            case .accept, .queue:
                try expectNoMove()
                intent.wish = .running
                intent.generation += 1
                let least = world.now().addingTimeInterval(row.spec.timeout?.leastAfterResume ?? 0)
                intent.timers.resume { _ in max(date, least) }
                return true
            }
        }
    }

    /// Checks that it is not about to be deleted, even if nobody has begun yet: what was told to end at a date has.
    private func expectTimeLeft(_ intent: Intent) throws(SandboxError) {
        guard let end = intent.timers.expiry(in: row.recorded.phase.name), end <= world.now() else { return }
        throw SandboxError(.notFound, "the time of the sandbox \(id) is over")
    }
}

extension Timers {
    /// The timers of a new sandbox.
    ///
    /// - Parameter end: When its time is over; nil for never.
    init(_ policy: TimeoutPolicy?, endingAt end: Date?) {
        self.init(expireAt: end, expiresWhilePaused: false, deleteAfterPause: policy?.retention.seconds)
        guard policy?.action == .pause, let end else { return }
        expireAt = nil
        pauseAt = end
        // There is nothing to go back to before the first pause, and nothing else would ever delete it.
        deleteAfterFailure = Self.failedWithoutPause
    }

    /// For how many seconds a sandbox that has failed before it was ever paused is kept if it would only be paused by itself.
    private static let failedWithoutPause: Double = 86_400

    /// Makes the present run end at another date; one without an end is left without.
    mutating func end(at date: Date, onlyIfLater: Bool, _ policy: TimeoutPolicy?) {
        let end = policy?.action == .pause ? \Timers.pauseAt : \Timers.expireAt
        guard let present = self[keyPath: end], !onlyIfLater || date > present else { return }
        self[keyPath: end] = date
    }

    /// Gives a sandbox that is resumed another end of its time, if it has one.
    mutating func resume(_ end: (Date) -> Date) {
        expireAt = expireAt.map(end)
        pauseAt = pauseAt.map(end)
        deleteAfterFailure = nil
    }
}
