// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import struct Foundation.Date

/// From paused to running: verify the artifact, then create the compute from it.
extension Situation {
    /// Waits for an order to resume.
    func paused() -> Move {
        switch order {
        case .run:
            return .become(starting(.resuming(afterFailure: nil)))
        case .pause:
            return .become(acknowledging(recorded))
        case .delete, nil:
            // A resume that failed may have left some.
            guard let number = observation.compute.incarnation else { return .stay([]) }
            return .stay([.deleteCompute(attempt: number)])
        }
    }

    /// Creates the compute from the artifact, if that is still there and sound, and waits for it.
    ///
    /// If it is not, nothing has changed but that there is a reason to tell. If the compute does not come up, the
    /// sandbox is paused. Either way a later resume is another attempt. A wish to pause waits until the sandbox runs.
    func resuming(_ failure: Problem?) -> Move {
        guard let artifact = recorded.artifact else {
            return .become(notResumed(.noArtifact, failure))
        }
        let end = policy.resumeTimeout.map { recorded.since.addingTimeInterval($0) }
        switch observation.compute {
        case .running(recorded.incarnation):
            return .become(started())
        case .ended(recorded.incarnation, let problem):
            return .become(notResumed(problem, nil))
        case .unknown:
            // It may be up already: whether its artifact is still there, or its time is over, would not matter any more.
            return .stay([])
        case _ where end.map { $0 <= now } ?? false:
            return .become(notResumed(.resumeDeadlinePassed, failure))
        case .starting(recorded.incarnation), .stopping(recorded.incarnation):
            return .stay([], until: end)
        case .absent, .starting, .running, .stopping, .ended:
            break
        }
        switch verification(for: recorded.incarnation) {
        case nil:
            return .stay([.verifyArtifact(artifact, attempt: recorded.incarnation)], until: end)
        case .missing(let problem):
            return .become(notResumed(problem, failure))
        case .verified:
            if let number = observation.compute.incarnation {
                // What an earlier attempt left is in the way.
                return .stay([.deleteCompute(attempt: number)], until: end)
            }
            return .stay([.createCompute(attempt: recorded.incarnation, from: artifact)], until: end)
        }
    }

    /// The record of a sandbox that is where it was before it was asked to resume.
    private func notResumed(_ problem: Problem, _ failure: Problem?) -> Recorded {
        var record = entering(failure.map { .failed($0) } ?? .paused)
        record.setback = Recorded.Setback(.resume, problem)
        return record
    }
}
