// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

extension Move {
    /// What is to be done next by whoever carries a move out. Each may be done again.
    public enum Deed: Sendable, Hashable {
        /// Nothing until something changes.
        case wait
        /// Write down what is seen.
        case note(Event)
        /// Have it paused, then write ``Event/pauseAsked`` down.
        case pause
        /// Bring the image to where the target can read it.
        case send
        /// Ask whether the target answers, then write ``Event/offered`` down.
        case reach
        /// Have it created there.
        case create
        /// Have the target promise that it does not run it.
        case withdraw
        /// Have it resumed here, then write ``Event/resumeAsked`` down.
        case resume
        /// Delete it here.
        case delete
        /// Nothing any more.
        case end
    }

    /// What is to be done next.
    ///
    /// - Parameter status: Where the sandbox is here.
    public func deed(seeing status: SandboxStatus) -> Deed {
        let isHandover = target == .handover
        switch phase {
        case .pausing: return pauseDeed(seeing: status)
        case .sending: return .send
        case .ready: return isHandover ? .wait : .reach
        case .arriving: return isHandover ? .wait : .create
        case .withdrawing: return isHandover ? .wait : .withdraw
        case .leaving: return source == .delete ? .delete : .note(.kept)
        case .returning: return returnDeed(seeing: status)
        case .moved, .failed, .cancelled: return .end
        }
    }

    private func pauseDeed(seeing status: SandboxStatus) -> Deed {
        switch status.state {
        case .paused: return .note(.paused)
        case .pausing, .pending, .resuming: return .wait
        case .running:
            // Who has been told to pause is not seen running any more, unless the pause has failed.
            guard pauseAskedAt != nil, let message = status.message, status.reason != "RUNNING" else { return .pause }
            return .note(.givenUp("It could not be paused: \(message)"))
        case .failed, .stopping, .terminated:
            return .note(.givenUp("It cannot be paused, because it is \(status.state.rawValue)."))
        }
    }

    private func returnDeed(seeing status: SandboxStatus) -> Deed {
        guard wasRunning else { return .note(.returned(nil)) }
        switch status.state {
        case .running: return .note(.returned(nil))
        // One that the pause finds later than its cancellation.
        case .pausing, .pending, .resuming: return .wait
        case .paused:
            guard resumeAskedAt != nil, let message = status.message else { return .resume }
            return .note(.returned("It could not be resumed: \(message)"))
        case .failed, .stopping, .terminated: return .note(.returned(nil))
        }
    }
}
