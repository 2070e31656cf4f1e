// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

public import KubeModels

public import struct Foundation.Date

/// In which state a `KruiseSandbox` is for those who use it, which is less than its phase and its conditions tell.
public enum KruiseSandboxState: String, Sendable, Hashable, CaseIterable {
    /// It is not ready for the first time.
    case creating
    /// It is ready in its set, and nobody has it.
    case available
    /// Somebody has it, and it runs.
    case running
    /// Somebody has it, and it is being paused, is paused or is being brought back.
    case paused
    /// It is of no use any more.
    case dead

    /// Why it is in a state, in one CamelCase word: as upstream says it.
    public enum Reason: String, Sendable, Hashable, CaseIterable {
        /// Dead: it is being deleted.
        case deleted = "ResourceDeleted"
        /// Dead: its `shutdownTime` has passed.
        case shutdownTimeReached = "ShutdownTimeReached"
        /// Creating: its pod does not run.
        case pending = "ResourcePending"
        /// Dead: its pod ended well.
        case succeeded = "ResourceSucceeded"
        /// Dead: its pod is gone or ended badly.
        case failed = "ResourceFailed"
        /// Dead: it is being ended.
        case terminating = "ResourceTerminating"
        /// Available: it is its set's, and ready.
        case readyInSet = "ResourceControlledBySbsAndReady"
        /// Creating: it is its set's, and not ready.
        case unreadyInSet = "ResourceControlledBySbsButNotReady"
        /// Paused: it runs, and is to be paused.
        case claimedAndPaused = "RunningResourceClaimedAndPaused"
        /// Running: somebody has it, and it is ready.
        case claimedAndReady = "RunningResourceClaimedAndReady"
        /// Dead, although its pod runs: it is not ready. The E2B API shows it as running.
        case claimedButNotReady = "RunningResourceClaimedButNotReady"
        /// Paused: somebody has it, and it does not run.
        case notRunning = "NotRunningResourceClaimed"
    }
}

extension KruiseSandbox {
    /// In which state it is, and why.
    public func state(at now: Date) -> (state: KruiseSandboxState, reason: KruiseSandboxState.Reason) {
        if metadata.deletionTimestamp != nil { return (.dead, .deleted) }
        if let end = spec.shutdownTime, end.date < now { return (.dead, .shutdownTimeReached) }
        switch status?.phase {
        case nil, KruiseSandboxPhase.pending?: return (.creating, .pending)
        case KruiseSandboxPhase.succeeded?: return (.dead, .succeeded)
        case KruiseSandboxPhase.failed?: return (.dead, .failed)
        case KruiseSandboxPhase.terminating?: return (.dead, .terminating)
        default: break
        }
        if isInSet { return isReady ? (.available, .readyInSet) : (.creating, .unreadyInSet) }
        guard status?.phase == .running else { return (.paused, .notRunning) }
        if spec.paused == true { return (.paused, .claimedAndPaused) }
        return isReady ? (.running, .claimedAndReady) : (.dead, .claimedButNotReady)
    }

    /// Whether its pod is ready.
    public var isReady: Bool { status?.conditions.isTrue(KruiseSandboxCondition.ready.rawValue) == true }

    /// Whether it is still its set's.
    public var isInSet: Bool { setReference != nil }

    /// The set that it is of; `nil` if it is somebody's.
    public var setReference: OwnerReference? {
        metadata.ownerReferences.first { reference in
            // The version may be another one by now.
            reference.controller == true && reference.kind == KruiseSandboxSet.resourceType.kind
                && reference.apiVersion.split(separator: "/").first.map(String.init) == Kruise.group
        }
    }

    /// Whether it can be paused: it runs and is ready, or is being paused already. Nobody has to pause one that is its set's.
    public var isPausable: Bool {
        guard !isInSet, metadata.deletionTimestamp == nil else { return false }
        return status?.phase == .paused || status?.phase == .running && isReady
    }

    /// Whether it can be brought back, or runs as it is; not while it is being paused.
    public func isResumable(at now: Date) -> Bool {
        guard metadata.deletionTimestamp == nil, spec.shutdownTime.map({ $0.date >= now }) ?? true else { return false }
        switch status?.phase {
        case KruiseSandboxPhase.running?: return spec.paused != true
        case KruiseSandboxPhase.resuming?: return true
        case KruiseSandboxPhase.paused?:
            return status?.conditions.isTrue(KruiseSandboxCondition.paused.rawValue) == true
        default: return false
        }
    }
}
