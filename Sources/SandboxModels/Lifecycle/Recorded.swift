// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

public import struct Foundation.Date

/// What the machine has written down about one sandbox.
///
/// Whoever runs the machine persists it before it carries out the actions it leads to, and only if the stored one is
/// still the one that the decision was made from (compare and swap). It is all that the machine remembers: after a
/// crash at any point, it and a new observation lead to the same end.
public struct Recorded: Sendable, Hashable, Codable {
    /// The sandbox's identity, of which the uids of its captures are made.
    public var identity: String
    /// Where it is.
    public var phase: Phase
    /// When it came there.
    public var since: Date
    /// The `Intent.generation` that was acted upon last.
    public var acknowledged: Int
    /// Numbers what was begun for this sandbox, every capture and every compute alike; a number is never used again.
    /// What is observed carries such a number or a uid made of one, so that old news is never taken for new.
    public var attempts: Int
    /// The attempt that the present compute belongs to. While there is none: that of the last one.
    public var incarnation: Int
    /// What a resume starts from: the verified artifact of the last capture that was kept. Also set while the sandbox
    /// runs again, because it is what is left when its compute is lost.
    public var artifact: Artifact?
    /// The pause or resume that failed last and why; kept until the next attempt, for its user to see.
    public var setback: Setback?
    /// What is still to be cleaned up, oldest first.
    public var leftovers: [Leftover]
    /// The value of `Timers.pauseAt` that was acted upon last.
    public var spentPauseAt: Date?
    /// The uid of the snapshot whose turn it is: while there is one, no pause begins.
    public var checkpoint: String?

    /// A transition that did not come about.
    public struct Setback: Sendable, Hashable, Codable {
        /// The transitions that can fail and leave the sandbox where it was.
        public enum Transition: String, Sendable, Hashable, Codable {
            case pause, resume
        }

        /// Which one.
        public var transition: Transition
        /// Why.
        public var problem: Problem

        /// Creates a setback.
        public init(_ transition: Transition, _ problem: Problem) {
            self.transition = transition
            self.problem = problem
        }
    }

    /// The record of a sandbox that has just been asked for and of which nothing exists yet.
    ///
    /// - Parameters:
    ///   - identity: The sandbox's identity: unique, at most 200 characters, fit for being part of names.
    ///   - now: The present.
    public init(identity: String, now: Date) {
        self.identity = identity
        phase = .pending
        since = now
        acknowledged = 0
        attempts = 1
        incarnation = 1
        leftovers = []
    }
}
