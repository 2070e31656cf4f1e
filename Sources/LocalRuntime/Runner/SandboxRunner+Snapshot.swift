// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import SandboxModels
import SnapshotProvider

/// Snapshots of one sandbox. One at a time, and none while it is paused: two captures would freeze it twice.
extension SandboxRunner {
    /// Keeps the sandbox from being paused until `endSnapshot`, and says what is to be captured.
    ///
    /// - Throws: `SandboxError` with `snapshotSourceNotRunning` unless it runs and is neither captured nor about to be.
    func beginSnapshot(_ uid: String) async throws -> SnapshotRequest {
        try await turns.withLock(id) {
            guard isRunning else {
                let state = SandboxStatus(recorded: row.recorded, intent: row.intent).state.rawValue
                throw SandboxError(
                    .snapshotSourceNotRunning,
                    "the sandbox \(id) is \(state), and only a running one can be captured: look at its state and ask again"
                )
            }
            guard snapshotInFlight == nil else {
                throw SandboxError(
                    .snapshotSourceNotRunning,
                    "another snapshot of the sandbox \(id) is being taken: ask again when it is ready"
                )
            }
            snapshotInFlight = uid
            do {
                return try await snapshotRequest(uid, afterwards: .keepRunning, for: RequestID.current)
            } catch {
                snapshotInFlight = nil
                throw error
            }
        }
    }

    /// Says that a snapshot does not freeze the sandbox any more.
    func endSnapshot(_ uid: String) {
        if snapshotInFlight == uid { snapshotInFlight = nil }
    }

    /// Checks that no snapshot is being taken.
    ///
    /// - Throws: `SandboxError` with `invalidState`.
    func expectNoSnapshot() throws(SandboxError) {
        guard snapshotInFlight == nil else {
            throw SandboxError(
                .invalidState,
                "the sandbox \(id) cannot be paused while a snapshot of it is being taken: ask again when that is ready"
            )
        }
    }
}
