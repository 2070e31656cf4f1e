// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

public import struct Foundation.Date

/// The state machine of several sandboxes that are one to their owner, above the machine of each.
///
/// All are paused or none is: no member is asked for its point of no return before every one is durable and verified. Up
/// to there one failure thaws them all. Holders answer one by one, so a freeze can still end by its deadline when another
/// is sealed already. Then the pause of all has failed, too: what is sealed is released, because it must not be thawed, and
/// resumed from the artifact that was verified. So none stays paused, and nothing of what any of them did is lost.
public enum Aggregate {
    /// Decides what comes next for all members.
    ///
    /// As with `Lifecycle.decide`, deciding again from the record of a decision gives that decision again, and whoever runs
    /// it goes about it in the same way.
    ///
    /// - Parameters:
    ///   - intent: What the owner asked for.
    ///   - recorded: What was written down.
    ///   - observations: What is true outside, by the identities of the members; of one without, nothing is known.
    ///   - now: The present.
    ///   - policy: The time limits of each machine.
    public static func decide(
        intent: AggregateIntent,
        recorded: AggregateRecord,
        observations: [String: Observation],
        now: Date,
        policy: LifecyclePolicy = LifecyclePolicy()
    ) -> AggregateDecision {
        var situation = AggregateSituation(
            intent: intent,
            record: recorded,
            observations: observations,
            now: now,
            policy: policy
        )
        let observed = situation.observed
        for index in situation.record.members.indices {
            let member = situation.record.members[index].recorded
            situation.record.members[index].recorded = member.taking(observed[member])
        }
        // As in the machine of each, the limit only makes it evident that this ends.
        for _ in 0..<Self.longestChain {
            let decisions = situation.memberDecisions
            for (index, decision) in zip(situation.record.members.indices, decisions) {
                situation.record.members[index].recorded = decision.record
            }
            guard let next = situation.conclusion else { return situation.decision(decisions) }
            situation.record = next
        }
        return situation.decision([])
    }

    /// Decides as above, and again if that has made members: what is true of those is asked for then, so that it need not be written
    /// down first that they are there and that nothing is known of them.
    ///
    /// - Parameter observing: What is true outside of the members of a record, by their identities.
    public static func decide(
        intent: AggregateIntent,
        recorded: AggregateRecord,
        now: Date,
        policy: LifecyclePolicy = LifecyclePolicy(),
        observing: (AggregateRecord) -> [String: Observation]
    ) -> AggregateDecision {
        func decision(from record: AggregateRecord) -> AggregateDecision {
            decide(intent: intent, recorded: record, observations: observing(record), now: now, policy: policy)
        }
        let first = decision(from: recorded)
        let known = Set(recorded.members.map(\.recorded.identity))
        let isNew = first.record.members.contains { !known.contains($0.recorded.identity) }
        return isNew ? decision(from: first.record) : first
    }

    /// Stages are concluded from stages, and orders to members follow from each.
    private static let longestChain = 16
}

/// Everything that a decision about an aggregate is made from.
struct AggregateSituation {
    let intent: AggregateIntent
    var record: AggregateRecord
    let observations: [String: Observation]
    let now: Date
    let policy: LifecyclePolicy

    /// What is true outside of the members.
    var observed: Observed { Observed(all: observations, isPauseOrdered: order == .pause) }

    /// What is seen of the compute of a member.
    func compute(of member: Recorded) -> Observation.Compute {
        (observations[member.identity] ?? Observation()).compute
    }

    /// What is true outside of each member. What all of them have in common is found out once, and not for each.
    struct Observed {
        let all: [String: Observation]
        let isPauseOrdered: Bool

        subscript(member: Recorded) -> Observation {
            var observation = all[member.identity] ?? Observation()
            // All are paused at once, so the members do not know of the order yet. It goes before the next snapshot all the same.
            if isPauseOrdered, member.checkpoint == nil, observation.checkpoint != nil {
                observation.checkpoint = Observation.Checkpoint.none
            }
            return observation
        }
    }

    /// What the machine of each member decides.
    ///
    /// The point of no return is passed by all in one record, when each of them could pass it if it were alone.
    var memberDecisions: [Decision] {
        let problem: Problem = if case .undoing(let problem) = record.stage { problem } else { .pauseCancelled }
        let observed = observed
        func decisions(maySeal: Bool) -> [Decision] {
            let company = Situation.Company(maySeal: maySeal, cancellation: problem)
            return record.members.map { decision(of: $0, observed[$0.recorded], company) }
        }
        let waiting = decisions(maySeal: false)
        guard record.stage == .pausing else { return waiting }
        let sealing = decisions(maySeal: true)
        let isReady = zip(record.members, sealing).allSatisfy { member, decision in
            switch decision.record.phase.name {
            case .sealing, .releasing, .paused: true
            default: member.wish == .deleted
            }
        }
        return isReady ? sealing : waiting
    }

    private func decision(
        of member: AggregateRecord.Member,
        _ observation: Observation,
        _ company: Situation.Company
    ) -> Decision {
        Situation(
            intent: Intent(wish: member.wish, generation: member.generation),
            recorded: member.recorded,
            observation: observation,
            now: now,
            policy: policy,
            company: company
        ).decision
    }

    /// The decision, when nothing more can be concluded.
    func decision(_ decisions: [Decision]) -> AggregateDecision {
        AggregateDecision(
            record: record,
            conditions: conditions,
            counts: counts,
            actions: zip(record.members, decisions).compactMap { member, decision in
                guard !decision.actions.isEmpty else { return nil }
                return AggregateDecision.MemberActions(
                    identity: member.recorded.identity,
                    index: member.index,
                    actions: decision.actions
                )
            },
            wakeAt: (decisions.map(\.wakeAt) + timers).compactMap(\.self).filter { $0 > now }.min()
        )
    }
}
