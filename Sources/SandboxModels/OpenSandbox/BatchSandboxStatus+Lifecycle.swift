// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

public import KubeModels

extension BatchSandboxPhase {
    /// The phase in upstream's words; `nil` while it is deleted, for which there is none: it keeps the one before.
    ///
    /// A sandbox is Pausing until it is known to be paused or to run on.
    public init?(_ phase: Phase.Name) {
        switch phase {
        case .pending: self = .pending
        case .running: self = .succeed
        case .pausing, .sealing, .releasing, .thawing: self = .pausing
        case .paused: self = .paused
        case .resuming: self = .resuming
        case .failed: self = .failed
        case .deleting, .deleted: return nil
        }
    }
}

extension BatchSandboxCondition {
    /// What the state machine's condition is called here.
    public init(_ kind: Condition.Kind) {
        switch kind {
        case .ready: self = .ready
        case .progressing: self = .progressing
        case .paused: self = .paused
        case .pauseFailed: self = .pauseFailed
        case .resumeFailed: self = .resumeFailed
        case .failed: self = .podFailed
        case .cleaningUp: self = .cleaningUp
        }
    }
}

extension BatchSandboxStatus {
    /// Tells what the state machine has decided: the phase, and the conditions that are true. Those that it does not speak of
    /// stay.
    ///
    /// - Parameters:
    ///   - phase: Where it is.
    ///   - decided: What to tell, one of each kind.
    ///   - isBaseline: Whether the API server has upstream's schema of v0.2.0, which refuses a status with a condition that it
    ///     does not know.
    ///   - now: When that was decided, for conditions that are new.
    public mutating func tell(_ phase: Phase.Name, _ decided: [Condition], isBaseline: Bool = false, now: Timestamp) {
        self.phase = BatchSandboxPhase(phase) ?? self.phase
        for condition in decided {
            let type = BatchSandboxCondition(condition.kind)
            guard condition.status == .yes, type.isBaseline || !isBaseline else {
                conditions[type.rawValue] = nil
                continue
            }
            // What is not true is not there, so what is there keeps the time at which it became true.
            conditions[type.rawValue] = .with {
                $0.type = type.rawValue
                $0.status = "True"
                $0.reason = Self.reason(of: condition, in: phase)
                $0.message = condition.message.isEmpty ? nil : condition.message
                $0.lastTransitionTime = now
            }
        }
    }

    /// Upstream's reason, where it has one for the phase: clients may look for it.
    private static func reason(of condition: Condition, in phase: Phase.Name) -> String {
        switch (condition.kind, BatchSandboxPhase(phase)) {
        case (.ready, _): BatchSandboxCondition.Reason.podsReady
        case (.paused, _): BatchSandboxCondition.Reason.paused
        case (.progressing, .pending?): BatchSandboxCondition.Reason.creating
        case (.progressing, .pausing?): BatchSandboxCondition.Reason.pauseInProgress
        case (.progressing, .resuming?): BatchSandboxCondition.Reason.resumeInProgress
        default: condition.reason
        }
    }
}
