// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// What the work of a leader knows of its being the leader.
public struct Leadership: Sendable {
    /// Who leads.
    public let identity: String
    /// How often the leader has changed before: greater than that of every leader before this one. Written beside what must not
    /// be done twice, it lets a server tell a leader that has slept from the one that took over.
    public let term: Int
    let validity: Validity

    /// Until when it may go on, by its own clock. Renewed as long as the lease is.
    final class Validity: Sendable {
        private let timeline: Timeline
        private let end: Mutex<Duration>

        init(_ timeline: Timeline, until end: Duration) {
            self.timeline = timeline
            self.end = Mutex(end)
        }

        var time: Duration { end.withLock { $0 } }
        var isOver: Bool { timeline.now >= time }

        func extend(to time: Duration) { end.withLock { $0 = max($0, time) } }
        func revoke() { end.withLock { $0 = .zero } }
    }

    /// Whether nobody else can be the leader.
    public var isHeld: Bool { !validity.isOver }

    /// Says whether nobody else can be the leader.
    ///
    /// The work is cancelled when leadership is lost; but a process that has been stopped and goes on later may be in the middle
    /// of something. So ask right before what must not be done by two.
    ///
    /// - Throws: `LeadershipLost`.
    public func check() throws(LeadershipLost) {
        if validity.isOver { throw LeadershipLost(identity: identity, cause: nil) }
    }
}

/// The lease could not be renewed in time, or somebody else has it. The work has ended.
public struct LeadershipLost: Error, CustomStringConvertible {
    /// Who led.
    public let identity: String
    /// Why the lease could not be renewed, if that is why.
    public let cause: (any Error)?

    /// The whole of it as a sentence.
    public var description: String {
        let reason = cause.map { ": the lease could not be renewed: \($0)" } ?? ""
        return "'\(identity)' is not the leader any more\(reason)"
    }
}
