// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

/// Where an `AgentSandbox` is, as the annotation `AgentSandboxes.Annotation.state` tells it.
public enum AgentSandboxState: String, Sendable, Hashable, CaseIterable {
    /// It is to start from a snapshot and waits for that.
    case restoring = "Restoring"
    /// Its pod has not been up yet.
    case starting = "Starting"
    /// It runs. A suspension or snapshot that did not come about is told in the message.
    case running = "Running"
    /// It is being captured, or its pod is being released after that.
    case suspending = "Suspending"
    /// Only its snapshot is left.
    case suspended = "Suspended"
    /// Somebody else has suspended it: what was in its root filesystem is gone, but for what an earlier snapshot has.
    case suspendedWithoutSnapshot = "SuspendedWithoutSnapshot"
    /// It is being brought back from its snapshot.
    case resuming = "Resuming"
    /// Its pod has ended, or is gone.
    case failed = "Failed"
    /// It is being deleted.
    case terminating = "Terminating"

    /// - Parameters:
    ///   - record: What is written down.
    ///   - isSuspended: Whether it is to have no pod.
    public init(of record: AggregateRecord, isSuspended: Bool) {
        self =
            switch record.phase {
            case .pending: .starting
            case .running: .running
            case .pausing, .sealing, .releasing, .thawing: .suspending
            case .paused: .suspended
            case .resuming: .resuming
            case .failed: isSuspended ? .suspendedWithoutSnapshot : .failed
            case .deleting, .deleted: .terminating
            }
    }
}

extension AggregateRecord {
    /// What people are told beside the state of a sandbox that is alone; `nil` if there is nothing to tell.
    public var agentSandboxMessage: String? {
        let recorded = replicas.first?.recorded
        let problem: Problem?
        switch phase {
        case .failed: if case .failed(let found)? = recorded?.phase { problem = found } else { problem = nil }
        case .paused: problem = recorded?.setback.flatMap { $0.transition == .resume ? $0.problem : nil }
        case .running: problem = pauseFailure
        // Why a suspension does not come about is told when it is over, and can be asked for again.
        case .pending, .resuming, .pausing, .sealing, .releasing, .thawing, .deleting, .deleted: problem = nil
        }
        if let problem { return "\(problem.reason): \(problem.message)".replacing("Replica 0: ", with: "") }
        guard phase == .paused, let artifact = recorded?.artifact else { return nil }
        let images = artifact.parts.map { "\($0.reference)@\($0.digest)" }
        return "It is saved as \(images.joined(separator: ", "))."
    }
}

extension Problem {
    /// Somebody has set the mode of a sandbox without asking for a snapshot.
    public static let suspendedWithoutSnapshot = Problem(
        "SuspendedWithoutSnapshot",
        "Somebody has set the operatingMode to Suspended, and the pod was deleted at once, so what it had in its root filesystem is lost. To "
            + "keep that, have it suspended by the annotation \(AgentSandboxes.Annotation.suspend)=true instead."
    )

    /// It was told to run from its artifact, and somebody has suspended it before it was up.
    public static let suspendedWhileResuming = Problem(
        "SuspendedWhileResuming",
        "Somebody has set the operatingMode to Suspended before the sandbox was up, so it is suspended as before. Resume it again."
    )
}
