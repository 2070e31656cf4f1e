// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

/// What is true outside of the machine about one sandbox, as far as it can be seen now.
///
/// It may be old, but never a guess, and two rules bound its age. What cannot be seen, after a restart for instance, is
/// unknown or nil; what was seen once is never followed by something older. And whoever carries out an action that
/// concerns the compute takes that for unknown until it is seen anew: a cache may still say absent after a creation.
/// What was seen of another attempt than the recorded one does no harm.
public struct Observation: Sendable, Hashable {
    /// The sandbox's compute.
    public var compute: Compute
    /// The capture that the record names.
    public var capture: Capture?
    /// The last verification of an artifact.
    public var verification: Verification?
    /// The recorded leftovers that are known to be gone, or that whoever runs the machine gave up and reported.
    public var cleaned: Set<Leftover>
    /// The snapshot of this sandbox that is not over: that whose turn it is, else the one that has waited longest. Nil if
    /// that cannot be said.
    public var checkpoint: Checkpoint?
    /// Whether its owner has given its compute away: nothing of it can be captured any more, whatever else is seen.
    public var isGivenAway: Bool

    /// Whether a snapshot is to be taken.
    public enum Checkpoint: Sendable, Hashable {
        /// None is.
        case none
        /// The one with this uid.
        case wanted(String)
    }

    /// The compute of a sandbox: its pod, or its container. The number is the attempt that it was created for.
    public enum Compute: Sendable, Hashable {
        /// Nothing can be said.
        case unknown
        /// There is none.
        case absent
        /// It was created and is not up yet.
        case starting(Int)
        /// It is up, or frozen by a capture: the two look alike.
        case running(Int)
        /// It is going away.
        case stopping(Int)
        /// It could not be created, ended by itself, or its filesystem was replaced by a new one. Its remains, if
        /// there are any, are still to be deleted.
        case ended(Int, Problem)
    }

    /// One capture and its freeze.
    public struct Capture: Sendable, Hashable {
        /// How far a capture is.
        public enum Progress: Sendable, Hashable {
            /// It was not begun, or whatever ran it is gone without a result.
            case none
            /// It is being done.
            case active
            /// It succeeded; the sandbox is still held frozen unless `hold` says otherwise.
            case succeeded(Artifact)
            /// It failed and ended its freeze, or will.
            case failed(Problem)
        }

        /// What the holder of the freeze says.
        public enum Hold: Sendable, Hashable {
            /// It has not said anything yet, or cannot be asked now.
            case unknown
            /// It holds the sandbox frozen until the deadline.
            case held
            /// It holds the sandbox frozen and will never thaw it. Final.
            case sealed
            /// Nothing is frozen by this capture, nor ever will be. Final.
            case thawed
        }

        /// Which one.
        public var uid: String
        /// How far it is.
        public var progress: Progress
        /// What its holder says.
        public var hold: Hold

        /// Creates a sighting of a capture.
        public init(uid: String, progress: Progress, hold: Hold) {
            self.uid = uid
            self.progress = progress
            self.hold = hold
        }
    }

    /// The outcome of one `Action.verifyArtifact`.
    public struct Verification: Sendable, Hashable {
        /// What came of it.
        public enum Outcome: Sendable, Hashable {
            /// Everything the artifact names is in the store and has its digest.
            case verified
            /// Something is missing or wrong, or the store could not be asked.
            case missing(Problem)
        }

        /// The attempt that it was made for.
        public var attempt: Int
        /// What came of it.
        public var outcome: Outcome

        /// Creates an outcome.
        public init(attempt: Int, outcome: Outcome) {
            self.attempt = attempt
            self.outcome = outcome
        }
    }

    /// Creates an observation; without arguments, that of a process that has just started and knows nothing.
    public init(
        compute: Compute = .unknown,
        capture: Capture? = nil,
        verification: Verification? = nil,
        cleaned: Set<Leftover> = [],
        checkpoint: Checkpoint? = nil,
        isGivenAway: Bool = false
    ) {
        self.compute = compute
        self.capture = capture
        self.verification = verification
        self.cleaned = cleaned
        self.checkpoint = checkpoint
        self.isGivenAway = isGivenAway
    }
}

extension Observation.Compute {
    /// The attempt that the compute which was seen belongs to.
    public var incarnation: Int? {
        switch self {
        case .unknown, .absent: nil
        case .starting(let number), .running(let number), .stopping(let number), .ended(let number, _): number
        }
    }
}
