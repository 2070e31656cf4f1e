// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

extension Kruise.Annotation {
    /// On a `Checkpoint`: what it was decided to capture, a `KruiseCheckpointPlan`. Our own.
    public static let checkpointPlan = "stasis.dev/checkpoint-plan"
    /// On a `Sandbox`: the UID of the `Checkpoint` with whose capture it ends. While it is there and the sandbox is paused, it has
    /// ended: its phase is `Succeeded`. Our own.
    public static let endedBy = "stasis.dev/ended-by-checkpoint"
    /// On a `Checkpoint`: `true` if it is only a means of a server's own, such as a fork's, and lists leave it out. Our own.
    public static let internalSnapshot = "stasis.dev/internal-snapshot"
}
