// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import SandboxModels

/// How far the waking of one sandbox is. Pure: what happens goes in, what to do comes out.
enum WakeState: Hashable {
    /// It is watched, and was not asked to resume; or what was asked is void.
    case watching
    /// It is being asked to resume, from a status.
    case asking(Look)
    /// It has agreed to resume, from a status.
    case agreed(Look)
    /// It was seen to resume after it had agreed.
    case resuming
    /// The end.
    case ended(Outcome)

    /// What a look at a sandbox tells.
    struct Look: Hashable {
        var state: SandboxStatus.State
        /// Why it is in that state, which changes when a resume has failed.
        var reason: String?
        var message: String?
        /// Whether the port that is waited for has an address.
        var hasAddress = false
    }

    /// How a waking ends.
    enum Outcome: Hashable {
        /// The sandbox runs and has an address.
        case awake
        /// It cannot be resumed now.
        case failed(String?)
        /// There is no such sandbox any more.
        case gone
    }

    /// What happens.
    enum Event: Hashable {
        /// The sandbox was looked at.
        case saw(Look)
        /// It agreed to resume.
        case resumeAgreed
        /// Its state did not allow it: somebody else was faster.
        case resumeOutOfTurn
        /// It was refused for another reason.
        case resumeFailed(String?)
        /// It has been deleted.
        case gone
    }

    /// What to do.
    enum Action: Hashable {
        case wait
        /// Ask it to resume.
        case resume
        /// Tell those who wait how it ended.
        case finish(Outcome)
    }

    /// Takes what has happened.
    mutating func step(_ event: Event) -> Action {
        if case .ended = self { return .wait }
        switch event {
        case .gone: return end(.gone)
        case .resumeFailed(let reason): return end(.failed(reason))
        case .resumeOutOfTurn:
            if case .asking = self { self = .watching }
            return .wait
        case .resumeAgreed:
            if case .asking(let look) = self { self = .agreed(look) }
            return .wait
        case .saw(let look): return see(look)
        }
    }

    private mutating func see(_ look: Look) -> Action {
        switch look.state {
        case .running:
            // An address that is not there yet is waited for.
            return look.hasAddress ? end(.awake) : .wait
        case .paused: return seePaused(look)
        case .resuming:
            switch self {
            case .agreed: self = .resuming
            // Somebody else has asked, or we have and were not told yet.
            case .watching, .asking, .resuming, .ended: break
            }
            return .wait
        case .pausing:
            // A pause goes through before anything else does. One that begins after the resume makes it void.
            switch self {
            case .agreed, .resuming: self = .watching
            case .watching, .asking, .ended: break
            }
            return .wait
        case .pending: return .wait
        case .stopping: return end(.gone)
        case .terminated: return end(.failed(look.message ?? "It has ended by itself."))
        case .failed: return end(.failed(look.message ?? look.reason))
        }
    }

    private mutating func seePaused(_ look: Look) -> Action {
        switch self {
        case .watching:
            self = .asking(look)
            return .resume
        case .asking, .ended: return .wait
        case .agreed(let before):
            // A look may be older than what was agreed. Another reason is a newer one: it tells why there was no resume.
            guard look != before, look.message != nil || look.reason != nil else { return .wait }
            return end(.failed(look.message ?? look.reason))
        case .resuming: return end(.failed(look.message ?? look.reason))
        }
    }

    private mutating func end(_ outcome: Outcome) -> Action {
        self = .ended(outcome)
        return .finish(outcome)
    }
}
