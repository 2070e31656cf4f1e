// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

/// From one stage of the whole to the next, and what each tells its members.
extension AggregateSituation {
    /// What is now to be recorded; nil when nothing more can be concluded.
    var conclusion: AggregateRecord? {
        if order == .delete {
            var next = acknowledged
            next.stage = .deleting
            next.tell(.deleted) { _ in true }
            return next
        }
        switch record.stage {
        case .running: return scaled ?? running
        case .pausing: return pausing
        case .undoing(let problem): return undoing(problem)
        case .paused: return paused
        case .deleting:
            guard record.members.allSatisfy({ $0.recorded.phase == .deleted }) else { return nil }
            var next = record
            next.stage = .deleted
            next.members = []
            return next
        case .deleted: return nil
        }
    }

    /// Makes members for places that have none, and deletes those without a place.
    private var scaled: AggregateRecord? {
        var next = record
        next.members.removeAll { $0.recorded.phase == .deleted }
        next.tell(.deleted) { $0.index >= intent.replicas }
        let taken = Set(next.members.map(\.index))
        for index in 0..<max(0, intent.replicas) where !taken.contains(index) {
            next.born += 1
            let recorded = Recorded(identity: "\(record.identity)-\(next.born)", now: now)
            // The first wish of each is to run.
            let member = AggregateRecord.Member(index: index, wish: .running, generation: 1, recorded: recorded)
            next.members.append(member)
        }
        next.members.sort { $0.index < $1.index }
        return next == record ? nil : next
    }

    /// Begins a pause once all run, and starts again what does not when that is asked for.
    private var running: AggregateRecord? {
        var next = acknowledged
        switch order {
        case .run:
            next.tell(.running) { $0.recorded.phase.name == .failed || $0.recorded.phase == .paused }
            // Where all run already, what kept them from being paused stays to be told.
            if next.members != record.members { next.pauseFailure = nil }
            return next
        case .pause:
            if let limit = policy.maximumPauseReplicas, !(1...max(limit, 1)).contains(record.replicas.count) {
                next.pauseFailure = .unsupportedReplicas(record.replicas.count, limit: limit)
                return next
            }
            if let (member, _) = firstFailure {
                next.pauseFailure = Problem.nothingToPause.of(member)
                return next
            }
            if let member = record.replicas.first(where: { observations[$0.recorded.identity]?.isGivenAway == true }) {
                next.pauseFailure = Problem.computeGivenAway.of(member)
                return next
            }
            let isReady = record.replicas.allSatisfy { member in
                let recorded = member.recorded
                return recorded.phase == .paused
                    || recorded.phase == .running && recorded.checkpoint == nil
                        && compute(of: recorded) == .running(recorded.incarnation)
            }
            guard isReady else { return nil }
            next.stage = .pausing
            next.pauseFailure = nil
            next.tell(.paused) { $0.recorded.phase == .running }
            return next
        case .delete, nil:
            return nil
        }
    }

    /// Waits until all are paused, unless one fails or the pause is cancelled before any could pass the point of no return.
    private var pausing: AggregateRecord? {
        var next = record
        if record.replicas.allSatisfy({ $0.recorded.phase == .paused }) {
            next.stage = .paused
            return next
        }
        if let (member, problem) = firstFailure {
            next.stage = .undoing(because: problem.of(member))
            return next
        }
        guard order == .run, !record.isPastReturn else { return nil }
        next = acknowledged
        next.stage = .undoing(because: .pauseCancelled)
        return next
    }

    /// Tells each member to run as soon as it can be told: not between the seal and the end of its release.
    private func undoing(_ problem: Problem) -> AggregateRecord? {
        var next = record
        next.tell(.running) { member in
            switch member.recorded.phase.name {
            case .pausing, .paused: member.wish == .paused
            // Not begun yet.
            case .running: member.recorded.acknowledged < member.generation && member.wish == .paused
            default: false
            }
        }
        if next != record { return next }
        let isDone = record.replicas.allSatisfy { member in
            switch member.recorded.phase.name {
            case .running, .failed, .paused: true
            default: false
            }
        }
        guard isDone else { return nil }
        next.stage = .running
        next.pauseFailure = problem
        return next
    }

    private var paused: AggregateRecord? {
        guard let order else { return nil }
        var next = acknowledged
        if order == .run {
            next.stage = .running
            next.pauseFailure = nil
            next.tell(.running) { _ in true }
        }
        return next
    }

    /// The first replica that keeps the others from being paused, and why.
    private var firstFailure: (AggregateRecord.Member, Problem)? {
        for member in record.replicas {
            let recorded = member.recorded
            switch recorded.phase {
            case .thawing(_, let problem, _): return (member, problem)
            case .failed(let problem): return (member, problem)
            case .running where record.stage == .pausing && recorded.acknowledged >= member.generation:
                if let setback = recorded.setback { return (member, setback.problem) }
            default: break
            }
        }
        return nil
    }
}

extension AggregateRecord {
    /// States a wish to the members that `isMeant` picks. What is to be deleted is told nothing else.
    fileprivate mutating func tell(_ wish: Wish, _ isMeant: (Member) -> Bool) {
        for index in members.indices where members[index].wish != .deleted && isMeant(members[index]) {
            members[index].wish = wish
            members[index].generation += 1
        }
    }
}

extension Problem {
    /// The problem of one replica, told of all of them.
    func of(_ member: AggregateRecord.Member) -> Problem {
        Problem(reason, "Replica \(member.index): \(message)")
    }
}
