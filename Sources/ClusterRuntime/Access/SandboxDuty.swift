// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import ClusterView
import KubeModels
import SandboxModels

import struct Foundation.Date

/// What a server has to do with a sandbox by itself, and when. Every server does it: the second one finds it done.
enum SandboxDuty: Equatable {
    /// It was not used for long enough, and is paused.
    case pauseIdle(at: Date)
    /// Whoever created it has died before anybody could hear of it, and it would never expire.
    case deleteUnheardOf(at: Date)

    /// When.
    var date: Date {
        switch self {
        case .pauseIdle(let date), .deleteUnheardOf(let date): date
        }
    }

    /// Seconds that somebody who creates a sandbox may be late.
    static let grace: Double = 60

    /// What is to be done with a sandbox next, if anything.
    ///
    /// - Parameter seen: When this server has seen it used last.
    init?(_ entry: SandboxDirectory<BatchSandbox>.Entry, seen: Date?) {
        let annotations = entry.object.metadata.annotations
        guard entry.object.metadata.deletionTimestamp == nil else { return nil }
        if let until = annotations[OpenSandbox.Annotation.createdUntil].flatMap({ MicroTime($0) }) {
            self = .deleteUnheardOf(at: until.date.addingTimeInterval(Self.grace))
            return
        }
        guard entry.sandbox.status.state == .running else { return nil }
        let policy = AccessPolicy(entry.sandbox.spec.extensions)
        let failure = entry.object.status?.conditions[BatchSandboxCondition.pauseFailed.rawValue]?.lastTransitionTime?
            .date
        let signs = [
            entry.sandbox.createdAt, entry.sandbox.status.lastTransitionAt, seen ?? .distantPast,
            annotations[OpenSandbox.Annotation.lastAccess].flatMap { MicroTime($0) }?.date ?? .distantPast,
            // One that cannot be paused is tried again after as long as it would have been left alone.
            failure ?? .distantPast,
        ]
        guard let deadline = policy.idleDeadline(lastAccess: signs.max() ?? .distantPast) else { return nil }
        self = .pauseIdle(at: deadline)
    }
}
