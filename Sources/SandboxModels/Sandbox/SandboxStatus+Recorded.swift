// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

extension SandboxStatus {
    /// What the owner of a sandbox is told: what the state machine has recorded, and what was asked for since.
    ///
    /// A transition that is asked for and not yet begun is told as begun, and one that is being undone with its reason.
    public init(recorded: Recorded, intent: Intent, progress: Progress? = nil) {
        self = recorded.status
        if intent.generation > recorded.acknowledged {
            switch (recorded.phase.name, intent.wish) {
            case (.running, .paused): state = .pausing
            case (.paused, .running), (.failed, .running): state = .resuming
            default: break
            }
        }
        if intent.wish == .deleted, recorded.phase != .deleted { state = .stopping }
        if case .thawing(_, let because, _) = recorded.phase { (reason, message) = (because.reason, because.message) }
        reason = reason ?? (state == .pending ? "CREATING" : state.rawValue.uppercased())
        self.progress = state == .pausing ? progress : nil
    }
}
