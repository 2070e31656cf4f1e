// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import SandboxModels
import SnapshotEngine
import SnapshotProvider

import struct Foundation.Date

extension SandboxRunner {
    /// The sandbox as its owner sees it now.
    func sandbox() async -> Sandbox {
        var progress: SandboxStatus.Progress?
        if let capture = row.recorded.phase.capture, let state = await world.provider.state(of: capture.uid) {
            progress = SandboxStatus.Progress(
                stage: state.meter.stage,
                bytesRead: state.meter.bytesRead,
                bytesWritten: state.meter.bytesWritten,
                bytesTotal: state.meter.bytesTotal
            )
        }
        return Sandbox(
            id: id,
            spec: row.spec,
            status: SandboxStatus(recorded: row.recorded, intent: row.intent, progress: progress),
            createdAt: row.createdAt,
            expiresAt: expiresAt,
            pausesAt: row.intent.timers.pauseAt,
            artifact: row.recorded.artifact
        )
    }

    /// When it is deleted by itself. One that is paused and has a policy goes by that, and not by the time it had left.
    private var expiresAt: Date? {
        let timers = row.intent.timers
        guard row.spec.timeout != nil, row.recorded.phase == .paused else { return timers.expireAt }
        return timers.deleteAfterPause.map { row.recorded.since.addingTimeInterval($0) }
    }

    /// The name of the container of the present attempt, or of the last one while there is none.
    var presentContainer: String { row.containerID(attempt: row.recorded.incarnation) }

    /// Whether it runs and nothing else is asked of it. After a pause that failed the wish to pause still stands, but has
    /// been answered.
    var isRunning: Bool { SandboxStatus(recorded: row.recorded, intent: row.intent).state == .running }

    /// The sandbox's address; nil unless it runs.
    func address() async throws -> String? {
        guard isRunning else { return nil }
        return try await world.containers.address(of: presentContainer)
    }
}
