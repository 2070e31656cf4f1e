// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import SandboxModels

/// What a provider has answered while one snapshot was looked at. It is not kept: the next look asks again, and every step of a
/// provider answers the same then.
struct SnapshotSightings {
    /// How far the capture is.
    private(set) var progress: Observation.Capture.Progress?
    /// What came of the verification.
    private(set) var verification: Observation.Verification.Outcome?
    /// Whether nothing of the capture is left but its artifact.
    private(set) var isCaptureEnded = false
    /// Whether the artifact is deleted, or left to others.
    private(set) var isArtifactGone = false
    /// How far the capture is, for people.
    var words: CaptureProgress?
    /// Whether the object has changed since it was read, so that this look ends.
    var isStale = false
    private var isNews = false
    /// When somebody who was asked wants to be asked again.
    private(set) var wakeAfter: Duration?

    mutating func sight(_ seen: Observation.Capture.Progress) {
        isNews = isNews || progress != seen
        progress = seen
    }

    mutating func sight(_ seen: Observation.Verification.Outcome) {
        isNews = isNews || verification != seen
        verification = seen
    }

    mutating func endCapture() {
        isNews = isNews || !isCaptureEnded
        isCaptureEnded = true
    }

    mutating func giveUpArtifact() {
        isNews = isNews || !isArtifactGone
        isArtifactGone = true
    }

    mutating func wake(after delay: Duration) { wakeAfter = min(wakeAfter ?? delay, delay) }

    /// Whether to decide again.
    mutating func takeNews() -> Bool {
        defer { isNews = false }
        return isNews
    }

    /// What the state machine is told.
    func observation(_ turn: SnapshotObservation.Turn) -> SnapshotObservation {
        SnapshotObservation(
            turn: turn,
            progress: progress,
            verification: verification,
            isCaptureEnded: isCaptureEnded,
            isArtifactGone: isArtifactGone
        )
    }
}
