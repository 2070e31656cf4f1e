// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import KubeModels
import KubeRuntime
import SandboxModels
import Synchronization

import struct Foundation.Date

/// When each snapshot is to be looked at next, and what was found last. It is a cache: a controller that has just been started spreads
/// its first looks over the interval, so that it does not ask a registry for everything at once.
final class AuditCalendar: Sendable {
    private struct Entry {
        var uid: String?
        var due: Date
        var finding: AuditFindingName
    }

    private let entries = Mutex<[ObjectKey: Entry]>([:])

    /// When to look at a snapshot, and what is known of it before and after this call.
    func due(
        _ snapshot: SandboxSnapshot,
        every interval: Double,
        now: Date
    ) -> (Date, news: (before: AuditFindingName?, after: AuditFindingName)) {
        entries.withLock { entries in
            let known = entries[snapshot.key]
            if let known, known.uid == snapshot.metadata.uid { return (known.due, (known.finding, known.finding)) }
            let status = snapshot.status
            let finding: AuditFindingName =
                switch status?.conditions[SandboxSnapshotCondition.artifactAvailable.rawValue]?.status {
                case "True": .available
                case "False": .missing
                default: .unknown
                }
            // It was verified when it was completed.
            let verified = status?.completionTime?.date ?? .distantPast
            let due = max(
                verified.addingTimeInterval(interval),
                now.addingTimeInterval(interval * Self.share(of: snapshot.metadata.uid ?? snapshot.metadata.name))
            )
            // What is known to be missing is looked at soon.
            let entry = Entry(uid: snapshot.metadata.uid, due: finding == .missing ? now : due, finding: finding)
            entries[snapshot.key] = entry
            return (entry.due, (known?.finding, finding))
        }
    }

    /// A number from 0 to 1 that is the same for one text always.
    private static func share(of text: String) -> Double {
        // FNV-1a, and its bits mixed, since texts may differ at their ends only: nothing depends on it but that it spreads.
        var hash = text.utf8.reduce(UInt32(2_166_136_261)) { ($0 ^ UInt32($1)) &* 16_777_619 }
        hash = (hash ^ (hash >> 16)) &* 0x85eb_ca6b
        hash = (hash ^ (hash >> 13)) &* 0xc2b2_ae35
        hash ^= hash >> 16
        return Double(hash) / Double(UInt32.max)
    }

    /// Takes note of a finding.
    ///
    /// - Returns: What was known before.
    func note(_ finding: AuditFindingName, of snapshot: SandboxSnapshot, next: Date) -> AuditFindingName? {
        entries.withLock { entries in
            let before = entries[snapshot.key]?.finding
            entries[snapshot.key] = Entry(uid: snapshot.metadata.uid, due: next, finding: finding)
            return before
        }
    }

    /// Looks later, since the registry could not be asked.
    func postpone(_ snapshot: SandboxSnapshot, to time: Date) {
        entries.withLock { $0[snapshot.key]?.due = time }
    }

    /// The snapshot is gone.
    ///
    /// - Returns: What was known of it.
    func forget(_ key: ObjectKey) -> AuditFindingName? { entries.withLock { $0.removeValue(forKey: key)?.finding } }
}
