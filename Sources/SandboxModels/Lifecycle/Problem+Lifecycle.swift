// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

/// The problems that the machine itself tells; all others come from what it observed.
extension Problem {
    static let pauseCancelled = Problem(
        "PauseCancelled",
        "The pause was cancelled because the sandbox was asked to run. It runs on and lost nothing; pause it again."
    )

    static let pauseDeadlinePassed = Problem(
        "PauseDeadlinePassed",
        "The capture was not durable before its deadline, so the sandbox was thawed and runs on. "
            + "Look for a slow or unreachable registry, then pause it again."
    )

    static let resumeDeadlinePassed = Problem(
        "ResumeDeadlinePassed",
        "The sandbox did not come up in time, so it is paused again and lost nothing. Look at the events of its pod and at the "
            + "room in the cluster, then resume it again."
    )

    static let freezeEnded = Problem(
        "FreezeEnded",
        "The sandbox was thawed before its pause was complete, so it runs on and lost nothing. Pause it again."
    )

    static let computeLost = Problem(
        "ComputeLost",
        "The sandbox's compute is gone although nobody asked for that. "
            + "Resume it to start again from its last artifact, or from its original image if it has none."
    )

    static let computeLostWhilePausing = Problem(
        "ComputeLost",
        "The sandbox's compute is gone although its pause was not complete. "
            + "Resume it to start again from its last durable artifact; what it did after that instant is lost."
    )

    static let nothingToPause = Problem(
        "NothingToPause",
        "The sandbox has failed, so nothing runs that could be captured. "
            + "Resume it to start again from its last artifact or its original image, or delete it."
    )

    static let computeGivenAway = Problem(
        "PodGivenBack",
        "Its pod was given back, so it cannot be captured, and a sandbox is paused with all that it has or not at all. Take what you "
            + "need from the others, and delete the sandbox; or set spec.replicas so that it has no such replica, and pause it again."
    )

    /// - Parameter limit: `LifecyclePolicy.maximumPauseReplicas`.
    static func unsupportedReplicas(_ count: Int, limit: Int) -> Problem {
        Problem(
            "UnsupportedReplicas",
            "The sandbox has \(count) replicas, and only one with \(limit > 1 ? "1 to \(limit) replicas" : "a single replica") can be "
                + "paused. Set spec.replicas accordingly, or have the controller started with a higher "
                + "--max-pause-replicas; then pause it again."
        )
    }

    static let nothingToCapture = Problem(
        "SourceNotRunning",
        "The sandbox does not run, so no snapshot of it can be taken. Resume it, then take another one."
    )

    static let snapshotCancelled = Problem(
        "SnapshotCancelled",
        "The snapshot was deleted before it was ready. The sandbox runs on."
    )

    static let snapshotDeadlinePassed = Problem(
        "SnapshotDeadlinePassed",
        "The snapshot was not durable before its deadline; the sandbox runs on. "
            + "Look for a slow or unreachable registry, then take another one."
    )

    static let noArtifact = Problem(
        "ArtifactUnknown",
        "The sandbox is paused but no artifact is recorded to resume it from. Delete it and create a new one."
    )
}
