// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

public import struct Foundation.Date

/// Which artifacts are to be deleted, and what comes of trying.
extension ArtifactHistory {
    /// What came of trying to delete an artifact.
    public enum Outcome: Sendable, Hashable {
        /// It is gone, but for what others refer to, if anything.
        case done(retained: Artifact?, by: String?)
        /// The store does not do it, and will not if it is asked again.
        case refused(Problem)
        /// The store could not be asked.
        case unavailable(Problem)
    }

    /// What people are told of it.
    public enum News: Sendable, Hashable {
        /// These images are deleted.
        case deleted(Artifact)
        /// These stay, because something refers to them.
        case retained(Artifact, by: String)
        /// These stay, because the store does not delete them.
        case refused(Artifact, Problem)
        /// These stay, because the store could not be asked for so long.
        case abandoned(Artifact, Problem)
    }

    /// The artifacts that are needed no more, the newest first.
    ///
    /// - Parameters:
    ///   - record: What is written down of the sandbox.
    ///   - generations: How many are kept of each replica, 0 for all.
    ///   - deletesRemoved: Whether those of replicas that are gone are needed no more.
    public func unneeded(by record: AggregateRecord, keeping generations: Int, deletesRemoved: Bool) -> [Entry] {
        let needed = record.neededDigests
        let members = Set(record.members.map(\.recorded.identity))
        var kept: [String: Int] = [:]
        return entries.reversed().filter { entry in
            let isNeeded = entry.isNeeded(needed)
            guard entry.isGeneration else { return !isNeeded }
            kept[entry.member, default: 0] += 1
            if isNeeded { return false }
            guard members.contains(entry.member) else { return deletesRemoved }
            return generations > 0 && kept[entry.member, default: 0] > generations
        }
    }

    /// Takes note of what came of trying to delete an artifact.
    ///
    /// - Parameters:
    ///   - entry: The artifact, as `unneeded` has named it.
    ///   - isLast: Whether the sandbox is being deleted, and waits for this.
    /// - Returns: What is worth telling.
    public mutating func settle(
        _ entry: Entry,
        _ outcome: Outcome,
        _ policy: RetentionPolicy,
        isLast: Bool,
        at now: Date
    ) -> [News] {
        guard let place = entries.firstIndex(where: { $0.artifact == entry.artifact }) else { return [] }
        switch outcome {
        case .done(nil, _):
            entries.remove(at: place)
            refusal = nil
            return [.deleted(entry.artifact)]
        case .done(let retained?, let holder):
            var rest = entry.artifact
            rest.parts.removeAll { retained.parts.contains($0) }
            var news: [News] = rest.parts.isEmpty ? [] : [.deleted(rest)]
            let holder = holder ?? "something"
            if isLast || entries[place].holder != holder { news.append(.retained(retained, by: holder)) }
            guard !isLast else {
                entries.remove(at: place)
                return news
            }
            entries[place].artifact = retained
            entries[place].holder = holder
            entries[place].nextTry = now.addingTimeInterval(policy.recheckAfter)
            return news
        case .refused(let problem):
            entries.remove(at: place)
            // It refuses the next one, too, and that is no news.
            defer { refusal = problem.reason }
            return refusal == problem.reason ? [] : [.refused(entry.artifact, problem)]
        case .unavailable(let problem):
            entries[place].attempts += 1
            guard entries[place].attempts < (isLast ? policy.lastAttempts : policy.attempts) else {
                entries.remove(at: place)
                return [.abandoned(entry.artifact, problem)]
            }
            entries[place].nextTry = policy.nextTry(after: entries[place].attempts, at: now)
            return []
        }
    }
}
