// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import SandboxModels

import struct Foundation.Date

/// `Aggregate.decide` for small numbers, each decision made once.
final class AggregateMachine {
    struct Outcome {
        var record: Int
        /// For the left and the right replica.
        var actions: [[UInt8]]
        var violation: Violation?
    }

    let mutation: AggregateMutation?
    private(set) var records: [AggregateRecord] = []
    private var numbers: [AggregateRecord: Int] = [:]
    private var outcomes: [Key: Outcome] = [:]

    private struct Key: Hashable {
        var record: Int
        var stated: UInt64
        var left: UInt64
        var right: UInt64
    }

    /// A machine whose first record has two replicas, of which nothing exists.
    init(mutation: AggregateMutation? = nil) {
        self.mutation = mutation
        let born = Aggregate.decide(
            intent: AggregateIntent(Intent(wish: .running, generation: 1), replicas: 2),
            recorded: AggregateRecord(identity: Names.identity),
            observations: [:],
            now: Moment.start
        )
        _ = number(of: born.record)
    }

    func decide(in world: AggregateWorld) -> Outcome {
        let key = Key(
            record: world.left.record,
            stated: world.left.stated,
            left: world.left.seen,
            right: world.right.seen
        )
        if let outcome = outcomes[key] { return outcome }
        let outcome = think(in: world)
        outcomes[key] = outcome
        return outcome
    }

    private func think(in world: AggregateWorld) -> Outcome {
        let intent = Intent(world.left)
        let old = records[world.left.record]
        var observations: [String: Observation] = [:]
        for (member, world) in zip(old.members, [world.left, world.right]) {
            let recorded = member.recorded
            let seen = Observation(world, of: recorded.identity, cleaned: recorded.leftovers(cleanedIn: world))
            observations[recorded.identity] = seen
        }
        observations = mutation?.distort(observations, old) ?? observations
        let decide: (AggregateRecord, Date) -> AggregateDecision = { [mutation, observations] record, now in
            let decide: (AggregateRecord) -> AggregateDecision = { record in
                Aggregate.decide(
                    intent: AggregateIntent(mutation?.distort(intent) ?? intent, replicas: 2),
                    recorded: record,
                    observations: observations,
                    now: now
                )
            }
            var decision = decide(record)
            guard let mutation else { return decision }
            let distorted = mutation.distort(decision.record, from: record, intent)
            if distorted != decision.record { decision = decide(distorted) }
            for index in decision.actions.indices {
                decision.actions[index].actions = mutation.distort(decision.actions[index].actions)
            }
            return decision
        }
        let decision = decide(old, Moment.present(world.left.lateness))
        return Outcome(
            record: number(of: decision.record.normalized),
            actions: old.members.map { member in
                let actions = decision.actions.first { $0.identity == member.recorded.identity }?.actions ?? []
                return actions.map { ActionCode($0).byte }
            },
            violation: Law.violation(
                of: decision,
                from: old,
                intent,
                Moment.present(world.left.lateness),
                again: decide
            )
        )
    }

    private func number(of record: AggregateRecord) -> Int {
        if let number = numbers[record] { return number }
        let number = records.count
        records.append(record)
        numbers[record] = number
        return number
    }
}

extension AggregateRecord {
    fileprivate var normalized: AggregateRecord {
        var record = self
        for index in members.indices { record.members[index].recorded = members[index].recorded.normalized }
        return record
    }
}

extension Law {
    /// What can be seen of a decision about an aggregate alone.
    fileprivate static func violation(
        of decision: AggregateDecision,
        from old: AggregateRecord,
        _ intent: Intent,
        _ now: Date,
        again: (AggregateRecord, Date) -> AggregateDecision
    ) -> Violation? {
        let new = decision.record
        let second = again(new, now)
        guard second.record == new, second.actions == decision.actions else {
            return Violation(.seven, "deciding again gives \(second.record)")
        }
        for (before, after) in zip(old.members, new.members) {
            let actions = decision.actions.first { $0.identity == after.recorded.identity }?.actions ?? []
            let ofOne = Decision(record: after.recorded, conditions: [], actions: actions)
            let wanted = Intent(wish: after.wish, generation: after.generation)
            let broken =
                twoBroken(after.recorded, before.recorded)
                ?? fourBroken(after.recorded, before.recorded, wanted) ?? fiveBroken(ofOne)
            if let broken { return broken }
        }
        // A pause that came about can be followed by a resume at once, but then none runs yet.
        if old.phase.isPausing, new.phase == .running, new.pauseFailure == nil {
            return Violation(.two, "a pause of all did not come about and nothing says why")
        }
        if new.acknowledged > old.acknowledged, intent.wish == .running, new.spentPauseAt == old.spentPauseAt {
            switch new.stage {
            case .pausing, .paused: return Violation(.six, "a request to run is acknowledged as \(new.stage)")
            default: break
            }
        }
        if new.stage == .deleting, old.stage != .deleting, intent.wish != .deleted {
            guard let date = intent.timers.expireAt, date <= now else {
                return Violation(.eight, "all are deleted before their time")
            }
        }
        for moment in Moment.all where moment > now && moment < decision.wakeAt ?? .distantFuture {
            guard again(new, moment) == decision else {
                return Violation(.eight, "the decision changes at \(moment), before it is to be made again")
            }
        }
        return nil
    }
}
