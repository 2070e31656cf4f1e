// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

/// The record as the Lifecycle API tells it.
extension Recorded {
    /// The state, and why: the failure of a failed sandbox, else the last pause or resume that did not come about.
    public var status: SandboxStatus {
        var problem = setback?.problem
        if case .failed(let failure) = phase {
            problem = failure
        }
        return SandboxStatus(
            state: phase.name.state,
            reason: problem?.reason,
            message: problem?.message,
            lastTransitionAt: since
        )
    }
}

extension Phase.Name {
    /// The phase in the words of the Lifecycle API. A sandbox is Pausing until it is known to be paused or to run on.
    public var state: SandboxStatus.State {
        switch self {
        case .pending: .pending
        case .running: .running
        case .pausing, .sealing, .releasing, .thawing: .pausing
        case .paused: .paused
        case .resuming: .resuming
        case .failed: .failed
        case .deleting: .stopping
        case .deleted: .terminated
        }
    }
}
