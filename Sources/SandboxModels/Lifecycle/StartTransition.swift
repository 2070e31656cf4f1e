// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

/// From nothing, or from a failure without an artifact, to running: what the sandbox's specification says.
extension Situation {
    /// Creates the compute and waits for it.
    ///
    /// A wish to pause waits until the sandbox runs. Compute that does not come up makes the sandbox failed.
    func pending() -> Move {
        if order == .run {
            // This is what is being done; were it to fail, the first wish must not be taken for a second one.
            return .become(acknowledging(recorded))
        }
        switch observation.compute {
        case .unknown:
            return .stay([])
        case .absent:
            return .stay([.createCompute(attempt: recorded.incarnation, from: nil)])
        case .running(recorded.incarnation):
            return .become(started())
        case .ended(recorded.incarnation, let problem):
            return .become(entering(.failed(problem)))
        case .starting(let number), .running(let number), .stopping(let number), .ended(let number, _):
            // What an earlier attempt left is in the way.
            return .stay(number == recorded.incarnation ? [] : [.deleteCompute(attempt: number)])
        }
    }

    /// The record of a sandbox whose compute has come up.
    func started() -> Recorded {
        entering(.running)
    }

    /// The record of a sandbox whose compute is to be made anew.
    func starting(_ phase: Phase) -> Recorded {
        var record = acknowledging(entering(phase))
        record.attempts += 1
        record.incarnation = record.attempts
        record.setback = nil
        return record
    }
}
