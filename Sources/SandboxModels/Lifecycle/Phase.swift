// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

/// Where a sandbox is in its life, as the machine has written it down.
public enum Phase: Sendable, Hashable, Codable {
    /// Its compute is being made as its specification says.
    case pending
    /// It runs.
    case running
    /// It is being captured and its artifact verified. It can still go back to running.
    case pausing(CaptureAttempt)
    /// Its artifact is durable, and the holder of the freeze was asked for the point of no return. Only the holder's
    /// answer decides what comes next.
    case sealing(CaptureAttempt, artifact: Artifact)
    /// The freeze is sealed; its compute is killed while frozen, and deleted.
    case releasing(CaptureAttempt, artifact: Artifact)
    /// Its pause will not come about: the freeze is being ended. `artifact` is what was captured and verified, if it
    /// came that far.
    case thawing(CaptureAttempt, because: Problem, artifact: Artifact?)
    /// Only its artifact is left.
    case paused
    /// Its compute is being made from its artifact. `afterFailure` says why it had failed before, if it was not paused.
    case resuming(afterFailure: Problem?)
    /// It ended or got lost by itself, or never came up. Not a dead end: a new wish to run starts it again.
    case failed(Problem)
    /// Its compute is being deleted and its leftovers cleaned up.
    case deleting
    /// Nothing of it is left.
    case deleted

    /// The names of the phases, without what they carry.
    public enum Name: String, Sendable, Hashable, Codable, CaseIterable {
        case pending, running, pausing, sealing, releasing, thawing, paused, resuming, failed, deleting, deleted
    }

    /// The phase's name.
    public var name: Name {
        switch self {
        case .pending: .pending
        case .running: .running
        case .pausing: .pausing
        case .sealing: .sealing
        case .releasing: .releasing
        case .thawing: .thawing
        case .paused: .paused
        case .resuming: .resuming
        case .failed: .failed
        case .deleting: .deleting
        case .deleted: .deleted
        }
    }

    /// The capture that may still hold the sandbox frozen, in the phases that have one.
    public var capture: CaptureAttempt? {
        switch self {
        case .pausing(let capture): capture
        case .sealing(let capture, _): capture
        case .releasing(let capture, _): capture
        case .thawing(let capture, _, _): capture
        case .pending, .running, .paused, .resuming, .failed, .deleting, .deleted: nil
        }
    }
}
