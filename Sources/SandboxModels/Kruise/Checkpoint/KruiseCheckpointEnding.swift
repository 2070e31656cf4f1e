// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import KubeModels

/// What comes next for a checkpoint with whose capture its sandbox ends (`spec.keepRunning: false`).
///
/// The sandbox is paused: held frozen from its last capture until its pod is gone, so that nothing it did is lost. With the mark of
/// the checkpoint a paused sandbox is one that has ended. Mark and wish are written at once, so that both are there or none.
public enum KruiseCheckpointEnding: Sendable, Hashable {
    /// It is not the time yet.
    case wait(String)
    /// Mark the sandbox, and have it paused.
    case order
    /// It is being captured.
    case creating(CaptureProgress?)
    /// It has ended, and this is what is left.
    case captured(Artifact)
    /// It will not come about.
    case failed(Problem)

    /// Decides.
    ///
    /// - Parameters:
    ///   - plan: What is to be captured.
    ///   - sandbox: The sandbox; nil if there is none of its name.
    ///   - record: What the sandbox's machine has written down; nil if nothing yet.
    ///   - intent: What it has last read of the wish.
    public static func next(
        _ plan: KruiseCheckpointPlan,
        _ sandbox: KruiseSandbox?,
        _ record: AggregateRecord?,
        _ intent: PauseIntent?
    ) -> KruiseCheckpointEnding {
        guard let sandbox, sandbox.metadata.uid == plan.sandboxUID, sandbox.metadata.deletionTimestamp == nil else {
            return .failed(.gone(plan.sandboxName))
        }
        guard let mark = sandbox.metadata.annotations[Kruise.Annotation.endedBy], mark == plan.uid else {
            let isTaken = sandbox.metadata.annotations[Kruise.Annotation.endedBy] != nil
            return beforeOrder(of: sandbox, record, isTaken: isTaken)
        }
        guard sandbox.spec.paused == true else { return .failed(.cancelled) }
        return afterOrder(of: sandbox, record, intent)
    }

    private static func beforeOrder(
        of sandbox: KruiseSandbox,
        _ record: AggregateRecord?,
        isTaken: Bool
    ) -> KruiseCheckpointEnding {
        switch record?.phase {
        case nil, .pending?: return .wait("waiting: the sandbox is starting")
        case .resuming?: return .wait("waiting: the sandbox is being resumed")
        case .paused?: return .failed(.pausedAlready)
        case .failed?, .deleting?, .deleted?: return .failed(.notRunning(sandbox.metadata.name))
        case .pausing?, .sealing?, .releasing?, .thawing?: return .wait("waiting: the sandbox is being paused")
        case .running? where isTaken: return .wait("waiting: the sandbox is about to end for another checkpoint")
        case .running? where sandbox.spec.paused == true:
            // Either its pause is about to begin, or it has failed: then nothing but its owner's word begins it anew.
            guard let failure = record?.pauseFailure else { return .wait("waiting: the sandbox is being paused") }
            return .failed(
                Problem(
                    KruiseCheckpointCondition.Reason.sandboxPaused,
                    "spec.paused of the sandbox is true, and its pause did not come about (\(failure.reason)): set it to false, then make "
                        + "a new Checkpoint."
                )
            )
        case .running?: return .order
        }
    }

    private static func afterOrder(
        of sandbox: KruiseSandbox,
        _ record: AggregateRecord?,
        _ intent: PauseIntent?
    ) -> KruiseCheckpointEnding {
        switch record?.phase {
        case .paused?:
            guard let artifact = record?.replicas.first?.recorded.artifact else {
                return .failed(.gone(sandbox.metadata.name))
            }
            return .captured(artifact)
        case .running?:
            // A failure that is older than the order is not that of this pause.
            let isRead = intent?.generation == sandbox.metadata.generation && intent?.wantsPaused == true
            guard isRead, let record, let intent, record.acknowledged >= intent.statements,
                let failure = record.pauseFailure
            else { return .creating(nil) }
            return .failed(failure)
        case .failed?, .deleting?, .deleted?: return .failed(.notRunning(sandbox.metadata.name))
        default: return .creating(sandbox.status?.progress)
        }
    }
}

extension KruiseSandbox {
    /// Whether it is to end, or has ended, with the capture of a checkpoint.
    public var endsWithCheckpoint: Bool { metadata.annotations[Kruise.Annotation.endedBy] != nil }
}

extension Problem {
    fileprivate static func gone(_ sandbox: String) -> Problem {
        Problem(
            KruiseCheckpointCondition.Reason.sandboxGone,
            "The sandbox \(sandbox) is gone or being deleted, so there is nothing left to capture."
        )
    }

    fileprivate static func notRunning(_ sandbox: String) -> Problem {
        Problem(
            SandboxSnapshotCondition.Reason.sourcePodNotFound,
            "The sandbox \(sandbox) does not run, so nothing can be captured. Have it run, then make a new Checkpoint."
        )
    }

    fileprivate static let pausedAlready = Problem(
        KruiseCheckpointCondition.Reason.sandboxPaused,
        "The sandbox is paused, so there is nothing to end. Resume it, then make a new Checkpoint; or delete the sandbox."
    )

    fileprivate static let cancelled = Problem(
        KruiseCheckpointCondition.Reason.endCancelled,
        "Somebody set spec.paused of the sandbox to false before it had ended, so it runs on. Make a new Checkpoint."
    )
}
