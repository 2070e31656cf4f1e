// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import KubeModels
import KubeRuntime
import SandboxModels

import struct Foundation.Date

/// Captures and deletions that do not end.
struct LeftoverCheck: Sendable {
    /// After what time a capture that should have ended is not just slow, in seconds.
    private static let grace = 120.0
    /// How long a deletion may take, in seconds: a registry may be away for some minutes.
    private static let deletionLimit = 900.0

    let options: ControllerOptions
    let survey: DoctorSurvey
    let now: Date

    var findings: [DoctorFinding] {
        let found = captures + deletions
        guard found.isEmpty else { return found }
        let count = survey.entries.count
        return [.ok(.leftovers, "\(count) objects", "no capture and no deletion takes longer than it may")]
    }

    private var captures: [DoctorFinding] {
        let limit = Double(options.commitJob.timeout) + Self.grace
        return survey.snapshots.compactMap { snapshot in
            guard snapshot.status?.phase == .committing, let start = snapshot.status?.startTime,
                now.timeIntervalSince(start.date) > limit
            else { return nil }
            let node = snapshot.status?.sourceNodeName ?? "its node"
            let pod = snapshot.status?.sourcePodName ?? "POD"
            return .fault(
                .captureOverdue,
                "SandboxSnapshot \(snapshot.key)",
                "it is being captured since \(start), longer than --commit-job-timeout: its pod \(pod) may be frozen on \(node)",
                do:
                    "See that a controller works. What is still frozen is thawed on \(node) by: stasis-committer unpause \(pod) "
                    + "\(snapshot.metadata.namespace ?? "") CONTAINER..."
            )
        }
    }

    private var deletions: [DoctorFinding] {
        survey.entries.compactMap { entry in
            let metadata = entry.object.metadata
            guard let deleted = metadata.deletionTimestamp,
                now.timeIntervalSince(deleted.date) > Self.deletionLimit,
                let finalizer = metadata.finalizers.first(where: Uninstallation.isOurs)
            else { return nil }
            return .fault(
                .deletionStuck,
                entry.name,
                "it was deleted at \(deleted), and is still there with the finalizer \(finalizer)",
                do:
                    "See its Events and the controller's log: a registry that does not answer, or a node that is gone. Without a "
                    + "controller: stasis-controller uninstall."
            )
        }
    }
}
