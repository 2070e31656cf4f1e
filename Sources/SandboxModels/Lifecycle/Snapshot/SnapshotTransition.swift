// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

public import struct Foundation.Date

/// From asked for to ready or failed, and from there to deleted.
extension Lifecycle {
    /// Decides what comes next for one snapshot. As with sandboxes, the record is stored first, by compare and swap, and
    /// deciding again from it gives the same decision.
    ///
    /// - Parameters:
    ///   - isWanted: Whether its owner has not asked for its deletion. One that is being captured is cancelled by that.
    ///   - recorded: What the machine has written down.
    ///   - observation: What is true outside.
    ///   - now: The present.
    ///   - policy: The machine's own time limits.
    public static func decide(
        isWanted: Bool,
        recorded: SnapshotRecord,
        observation: SnapshotObservation,
        now: Date,
        policy: LifecyclePolicy = LifecyclePolicy()
    ) -> SnapshotDecision {
        var situation = SnapshotSituation(
            isWanted: isWanted,
            record: recorded,
            observation: observation,
            now: now,
            policy: policy
        )
        // The longest chain is waiting to deleted; the limit only makes it evident that this ends.
        for _ in 0..<8 {
            switch situation.move {
            case .become(let record): situation.record = record
            case .stay(let actions, let wakeAt):
                return SnapshotDecision(record: situation.record, actions: actions, wakeAt: wakeAt)
            }
        }
        return SnapshotDecision(record: situation.record, actions: [], wakeAt: nil)
    }
}

/// Everything that a decision about a snapshot is made from.
private struct SnapshotSituation {
    let isWanted: Bool
    var record: SnapshotRecord
    let observation: SnapshotObservation
    let now: Date
    let policy: LifecyclePolicy

    enum Move {
        case become(SnapshotRecord)
        case stay([SnapshotAction], until: Date? = nil)
    }

    var move: Move {
        switch record.phase {
        case .waiting: waiting
        case .capturing(let deadline): capturing(until: deadline)
        case .ending(let outcome): ending(outcome)
        case .ready(let artifact): isWanted ? .stay([]) : .become(deleting(artifact))
        case .failed: isWanted ? .stay([]) : .become(entering(.deleting))
        case .deleting: cleaningUp
        case .deleted: .stay([])
        }
    }

    private var waiting: Move {
        guard isWanted else { return .become(entering(.deleting)) }
        switch observation.turn {
        case .granted: return .become(entering(.capturing(until: now.addingTimeInterval(policy.captureTimeout))))
        case .refused(let problem): return .become(entering(.failed(problem)))
        case .unknown, .waiting: return .stay([])
        }
    }

    private func capturing(until deadline: Date) -> Move {
        guard isWanted else { return .become(entering(.ending(.failed(.snapshotCancelled)))) }
        if case .succeeded(let artifact)? = observation.progress, case .verified? = observation.verification {
            return .become(entering(.ending(.captured(artifact))))
        }
        guard now < deadline else { return .become(entering(.ending(.failed(.snapshotDeadlinePassed)))) }
        switch (observation.progress, observation.verification) {
        case (.failed(let problem), _), (.succeeded, .missing(let problem)):
            return .become(entering(.ending(.failed(problem))))
        case (.succeeded(let artifact), _):
            return .stay([.verifyArtifact(artifact)], until: deadline)
        case (.active, _):
            return .stay([], until: deadline)
        case (.some(.none), _), (nil, _):
            return .stay([.capture(uid: record.uid, until: deadline)], until: deadline)
        }
    }

    /// Whoever reads that a snapshot is ready or has failed can count on its sandbox to run.
    private func ending(_ outcome: SnapshotRecord.Outcome) -> Move {
        switch outcome {
        case .captured(let artifact):
            guard observation.isCaptureEnded else { return .stay([.endCapture(uid: record.uid, keeping: artifact)]) }
            return .become(entering(.ready(artifact)))
        case .failed(let problem):
            guard observation.isCaptureEnded else { return .stay([.endCapture(uid: record.uid, keeping: nil)]) }
            return .become(entering(.failed(problem)))
        }
    }

    private func deleting(_ artifact: Artifact) -> SnapshotRecord {
        var next = entering(.deleting)
        next.unneeded = artifact
        return next
    }

    private var cleaningUp: Move {
        guard let artifact = record.unneeded else { return .become(entering(.deleted)) }
        guard observation.isArtifactGone else { return .stay([.deleteArtifact(artifact)]) }
        var next = entering(.deleted)
        next.unneeded = nil
        return .become(next)
    }

    private func entering(_ phase: SnapshotRecord.Phase) -> SnapshotRecord {
        var next = record
        next.phase = phase
        next.since = now
        return next
    }
}

extension Recorded {
    /// Whether it is the turn of a snapshot of this sandbox.
    public func turn(of uid: String) -> SnapshotObservation.Turn {
        if checkpoint == uid { return .granted }
        switch phase {
        case .paused, .failed, .deleting, .deleted: return .refused(.nothingToCapture)
        case .pending, .running, .pausing, .sealing, .releasing, .thawing, .resuming: return .waiting
        }
    }

    /// The record with what follows from an observation alone: what is cleaned up, and whose turn is over.
    func taking(_ observation: Observation) -> Recorded {
        var record = without(observation.cleaned)
        if let wanted = observation.checkpoint, let checkpoint, wanted != .wanted(checkpoint) {
            record.checkpoint = nil
        }
        return record
    }
}
