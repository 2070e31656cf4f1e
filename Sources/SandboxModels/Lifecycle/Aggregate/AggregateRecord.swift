// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

public import struct Foundation.Date

/// What is written down about several sandboxes that are one to their owner: replicas of one specification, which run,
/// are paused, resumed and deleted together.
///
/// It is stored as one, by compare and swap: what concerns several members is recorded of all of them or of none.
public struct AggregateRecord: Sendable, Hashable {
    /// Where the whole is.
    public enum Stage: Sendable, Hashable, Codable {
        /// Its members run, or are on their way there.
        case running
        /// Its members are being captured. None passes the point of no return before all are durable.
        case pausing
        /// The pause of all failed or was cancelled: its members are brought back to where they were.
        case undoing(because: Problem)
        /// Only the artifacts of its members are left.
        case paused
        /// Its members are being deleted.
        case deleting
        /// Nothing of it is left.
        case deleted
    }

    /// One of the sandboxes.
    public struct Member: Sendable, Hashable, Codable {
        /// Its place among the replicas, from 0. A place is taken again when its member is gone.
        public var index: Int
        /// What the whole wants of it.
        public var wish: Wish
        /// Counts the statements of `wish`.
        public var generation: Int
        /// What its own machine has written down. Its identity is never used again, unlike its place.
        public var recorded: Recorded
    }

    /// The identity of the whole, of which those of its members are made.
    public var identity: String
    /// Where it is.
    public var stage: Stage
    /// The `Intent.generation` that was acted upon last.
    public var acknowledged: Int
    /// The value of `Timers.pauseAt` that was acted upon last.
    public var spentPauseAt: Date?
    /// Why the last pause of all did not come about; kept until the next attempt.
    public var pauseFailure: Problem?
    /// Its members by place, those included that are being deleted.
    public var members: [Member]
    /// How many members there ever were.
    public var born: Int

    /// The record of an aggregate that has just been asked for and of which nothing exists yet.
    ///
    /// - Parameter identity: Unique, at most 180 characters, fit for being part of names.
    public init(identity: String) {
        self.identity = identity
        stage = .running
        acknowledged = 0
        members = []
        born = 0
    }

    /// The members that are not to be deleted by themselves.
    public var replicas: [Member] {
        PassCount.add()
        return members.filter { $0.wish != .deleted }
    }

    /// The phase of the whole in the words of one sandbox.
    ///
    /// It is paused while all replicas are, also if they could not be resumed. It has failed as long as a replica has, or could
    /// not be resumed while others run: whoever looks at it, or resumes it, is to notice.
    public var phase: Phase.Name {
        switch stage {
        case .deleted: return .deleted
        case .deleting: return .deleting
        case .paused: return .paused
        case .undoing: return .thawing
        case .pausing: return isPastReturn ? .sealing : .pausing
        case .running: break
        }
        let phases = Set(replicas.map(\.recorded.phase.name))
        if phases.contains(.resuming) { return .resuming }
        if phases.contains(.pending) { return .pending }
        if phases == [.paused] { return .paused }
        return phases.isSubset(of: [.running]) ? .running : .failed
    }

    /// Whether a replica may have passed the point of no return of the present pause.
    var isPastReturn: Bool {
        replicas.contains { member in
            switch member.recorded.phase.name {
            case .sealing, .releasing: true
            case .paused: member.wish == .paused
            default: false
            }
        }
    }
}
