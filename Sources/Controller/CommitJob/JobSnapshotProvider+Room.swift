// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import KubeModels
import Logging
import SandboxModels
import SnapshotProvider

import struct Foundation.Date

/// What becomes of a capture when the node has no room for its Job's pod.
extension JobSnapshotProvider {
    /// On a Job that is done anew: when the first of them was made.
    static let triedSince = "stasis.dev/tried-since"
    /// Seconds between two tries.
    private static let pauses = 2.0...15.0
    /// Seconds that a try needs at least before the freeze would have to end.
    private static let leastTime = 60.0

    /// Does a commit Job anew that the node has refused for want of room, after a pause that becomes longer. Nothing is frozen before
    /// its pod runs, so nothing is lost by waiting.
    ///
    /// - Returns: Nil if that has gone on for long enough.
    func waitForRoom(_ job: NodeJob, _ request: SnapshotRequest) async -> Step<Artifact>? {
        guard let refused = jobs.found(job.name, of: request), let made = refused.metadata.creationTimestamp?.date
        else {
            return nil
        }
        let since = refused.metadata.annotations[Self.triedSince].flatMap { SpelledTime($0)?.date } ?? made
        var end = since.addingTimeInterval(settings.roomPatience)
        if case .holdFrozen(let until) = request.afterwards {
            end = min(end, until.addingTimeInterval(-Self.leastTime))
        }
        let now = Date()
        guard now < end else { return nil }
        let progress = SnapshotProgress("WaitingForRoom")
        // As long as it was tried so far: so the pauses double.
        let pause = min(max(made.timeIntervalSince(since), Self.pauses.lowerBound), Self.pauses.upperBound)
        let wait = made.addingTimeInterval(pause).timeIntervalSince(now)
        guard wait <= 0 else { return .waiting(progress, wakeOn: request.objects + [.after(.seconds(wait))]) }
        logger.info(
            "a node has no room for a commit; it is tried again",
            metadata: ["job": "\(job.namespace)/\(job.name)", "node": "\(request.source.node)", "since": "\(since)"]
        )
        var again = job
        again.annotations[Self.triedSince] = SpelledTime(since).text
        return await jobs.redo(again).map { _ in .waiting(progress, wakeOn: request.objects) }
    }
}
