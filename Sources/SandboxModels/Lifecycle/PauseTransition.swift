// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import struct Foundation.Date

/// From running to paused: capture, verify, seal, release.
///
/// Up to the seal everything can be taken back, and the sandbox runs on. Sealed, it is never thawed: all that is left
/// is to delete its compute. Only the holder of the freeze, on the node, knows which of the two it is; so `sealing` is
/// left by its answer alone, or when the compute is gone.
extension Situation {
    /// Waits for an order to pause, and notices when the compute is lost.
    func running() -> Move {
        if order == .run {
            // Even if the compute is lost: whoever stated this did not know, so it is no word to start from less.
            return .become(acknowledging(recorded))
        }
        if let loss {
            return .become(entering(.failed(loss)))
        }
        guard observation.compute == .running(recorded.incarnation), recorded.checkpoint == nil else {
            return .stay([])
        }
        switch order {
        case .pause:
            return .become(beginningPause())
        case nil:
            // One transition at a time; an order goes first, so that snapshots never keep a pause from its turn.
            guard case .wanted(let uid) = observation.checkpoint else { return .stay([]) }
            var record = recorded
            record.checkpoint = uid
            return .become(record)
        case .run, .delete:
            return .stay([])
        }
    }

    /// Captures the sandbox and verifies what came of it in the store.
    func pausing(_ capture: CaptureAttempt) -> Move {
        if order == .run {
            return .become(acknowledging(entering(.thawing(capture, because: company.cancellation, artifact: nil))))
        }
        let seen = sighting(of: capture)
        let isLate = now >= capture.deadline
        if loss != nil {
            return losing(capture, seen?.progress, isLate: isLate)
        }
        switch (seen?.progress, seen?.hold) {
        case (.failed(let problem), _):
            return .become(entering(.thawing(capture, because: problem, artifact: nil)))
        case _ where isLate:
            return .become(entering(.thawing(capture, because: .pauseDeadlinePassed, artifact: nil)))
        case (_, .thawed):
            return .become(entering(.thawing(capture, because: .freezeEnded, artifact: nil)))
        case (.succeeded(let artifact), _):
            switch verification(for: capture.number) {
            case .verified where !company.maySeal:
                return .stay([], until: capture.deadline)
            case .verified:
                return .become(entering(.sealing(capture, artifact: artifact)))
            case .missing(let problem):
                return .become(entering(.thawing(capture, because: problem, artifact: nil)))
            case nil:
                return .stay([.verifyArtifact(artifact, attempt: capture.number)], until: capture.deadline)
            }
        case (.active, _):
            return .stay([], until: capture.deadline)
        case (.some(.none), _), (nil, _):
            return .stay([.capture(uid: capture.uid, until: capture.deadline)], until: capture.deadline)
        }
    }

    /// Waits for the holder's word, whatever is asked for meanwhile.
    ///
    /// No deadline ends this: the holder may have sealed and be unreachable. When its node is gone for good, so is the
    /// compute in the end, and then the verified artifact is what is left.
    func sealing(_ capture: CaptureAttempt, _ artifact: Artifact) -> Move {
        switch sighting(of: capture)?.hold {
        case .sealed:
            return .become(entering(.releasing(capture, artifact: artifact)))
        case .thawed:
            let problem = now >= capture.deadline ? Problem.pauseDeadlinePassed : .freezeEnded
            return .become(entering(.thawing(capture, because: problem, artifact: artifact)))
        case .held, .unknown, nil:
            if loss != nil {
                return .become(lost(capture, keeping: artifact))
            }
            return .stay([.seal(uid: capture.uid)], until: patience(capture))
        }
    }

    /// Deletes the compute, and ends with the sandbox paused.
    func releasing(_ capture: CaptureAttempt, _ artifact: Artifact) -> Move {
        guard observation.compute == .absent else {
            return .stay([.release(uid: capture.uid, attempt: recorded.incarnation)])
        }
        var record = entering(.paused)
        record.leave(.capture(uid: capture.uid))
        record.keep(artifact)
        record.setback = nil
        return .become(record)
    }

    private func beginningPause() -> Recorded {
        let number = recorded.attempts + 1
        let capture = CaptureAttempt(
            uid: "\(recorded.identity)-\(number)",
            number: number,
            deadline: now.addingTimeInterval(policy.captureTimeout)
        )
        var record = acknowledging(entering(.pausing(capture)))
        record.attempts = number
        record.setback = nil
        return record
    }
}
