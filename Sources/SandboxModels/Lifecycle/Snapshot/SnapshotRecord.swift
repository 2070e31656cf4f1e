// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

public import struct Foundation.Date

/// What the machine has written down about one snapshot that an owner asked for: a capture after which the sandbox runs on.
public struct SnapshotRecord: Sendable, Hashable, Codable {
    /// Where a snapshot is in its life.
    public enum Phase: Sendable, Hashable, Codable {
        /// It waits for its turn: one capture of a sandbox at a time, and none while that is paused or resumed.
        case waiting
        /// It has its turn, and is captured and verified until this date.
        case capturing(until: Date)
        /// How it ended is known; what is left of the capture is being ended, so that the sandbox runs for certain.
        case ending(Outcome)
        /// It is durable and was verified.
        case ready(Artifact)
        /// There is none.
        case failed(Problem)
        /// What it has is being deleted.
        case deleting
        /// Nothing of it is left.
        case deleted

        /// Its word, without what it carries.
        public var name: String {
            switch self {
            case .waiting: "waiting"
            case .capturing: "capturing"
            case .ending: "ending"
            case .ready: "ready"
            case .failed: "failed"
            case .deleting: "deleting"
            case .deleted: "deleted"
            }
        }
    }

    /// How a capture ended.
    public enum Outcome: Sendable, Hashable, Codable {
        /// With a verified artifact.
        case captured(Artifact)
        /// Without one.
        case failed(Problem)
    }

    /// Names it and its capture for ever.
    public var uid: String
    /// Where it is.
    public var phase: Phase
    /// When it came there.
    public var since: Date
    /// Its artifact, when it needs that no more and it is not deleted yet.
    public var unneeded: Artifact?

    /// The record of a snapshot that was just asked for.
    public init(uid: String, now: Date) {
        self.uid = uid
        phase = .waiting
        since = now
    }

    /// Whether it neither has nor needs its turn any more: nothing of it freezes the sandbox or ever will.
    public var isOver: Bool {
        switch phase {
        case .waiting, .capturing, .ending: false
        case .ready, .failed, .deleting, .deleted: true
        }
    }

    /// The state in the words of the Lifecycle API; nil when it is gone.
    public var state: SnapshotStatus.State? {
        switch phase {
        case .waiting, .capturing, .ending: .creating
        case .ready: .ready
        case .failed: .failed
        case .deleting: .deleting
        case .deleted: nil
        }
    }
}

/// One thing to do about a snapshot. As `Action`, each is idempotent and may be asked for again.
public enum SnapshotAction: Sendable, Hashable {
    /// Freeze, capture, let the sandbox run on as soon as its changes were read, and make the artifact durable. Nothing is
    /// frozen after this date.
    case capture(uid: String, until: Date)
    /// Check in the store that the artifact can be restored.
    case verifyArtifact(Artifact)
    /// End what may still run of the capture, thaw, keep it from being begun again, and delete whatever it stored, except
    /// for this artifact.
    case endCapture(uid: String, keeping: Artifact?)
    /// The snapshot needs the artifact no more: delete it from the store, unless something else refers to it.
    case deleteArtifact(Artifact)
}

/// What is true outside about one snapshot, as far as it can be seen. It may be old, but never a guess.
public struct SnapshotObservation: Sendable, Hashable {
    /// What the record of its sandbox says.
    public enum Turn: Sendable, Hashable {
        /// Nothing can be said.
        case unknown
        /// It is not its turn yet.
        case waiting
        /// It is.
        case granted
        /// Nothing runs that could be captured.
        case refused(Problem)
    }

    /// Whether it is its turn.
    public var turn: Turn
    /// Its capture.
    public var progress: Observation.Capture.Progress?
    /// What came of the verification of its artifact.
    public var verification: Observation.Verification.Outcome?
    /// Whether its capture is known to have ended, and with it whatever it stored in vain.
    public var isCaptureEnded: Bool
    /// Whether the artifact that it needed no more is known to be deleted, or in the care of those who still refer to it.
    public var isArtifactGone: Bool

    /// Creates an observation; without arguments, that of a process that has just started.
    public init(
        turn: Turn = .unknown,
        progress: Observation.Capture.Progress? = nil,
        verification: Observation.Verification.Outcome? = nil,
        isCaptureEnded: Bool = false,
        isArtifactGone: Bool = false
    ) {
        self.turn = turn
        self.progress = progress
        self.verification = verification
        self.isCaptureEnded = isCaptureEnded
        self.isArtifactGone = isArtifactGone
    }
}

/// What the machine decided about one snapshot.
public struct SnapshotDecision: Sendable, Hashable {
    /// What to write down, before anything else.
    public var record: SnapshotRecord
    /// What to do once the record is written.
    public var actions: [SnapshotAction]
    /// When to decide again even if nothing else is observed before.
    public var wakeAt: Date?
}
