// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import struct Foundation.Date

/// From a pause that failed or was cancelled back to running.
extension Situation {
    /// Ends the freeze, then tells why there was no pause.
    ///
    /// A holder that cannot be asked thaws at its deadline by itself. It was not sealed, so some time after that
    /// deadline the sandbox is known to run, if it still exists.
    func thawing(_ capture: CaptureAttempt, _ problem: Problem, _ artifact: Artifact?) -> Move {
        if order == .run {
            return .become(acknowledging(recorded))
        }
        if loss != nil {
            return .become(lost(capture, keeping: artifact))
        }
        let seen = sighting(of: capture)
        let patience = patience(capture)
        guard seen?.hold == .thawed || now >= patience else {
            return .stay([.abandon(uid: capture.uid)], until: patience)
        }
        var record = entering(.running)
        record.setback = Recorded.Setback(.pause, problem)
        record.leave(.capture(uid: capture.uid))
        if let artifact = artifact ?? seen?.progress.artifact {
            record.leave(.artifact(artifact))
        }
        return .become(record)
    }

    /// Until when an answer of the holder of a freeze is to be expected.
    func patience(_ capture: CaptureAttempt) -> Date {
        capture.deadline.addingTimeInterval(policy.thawGrace)
    }
}

extension Observation.Capture.Progress {
    /// What came of a capture that succeeded.
    var artifact: Artifact? {
        guard case .succeeded(let artifact) = self else { return nil }
        return artifact
    }
}
