// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import SandboxModels
import Testing

import struct Foundation.Date
import class Foundation.JSONDecoder
import class Foundation.JSONEncoder

/// What the exploration of two replicas does not show: their number, and what is told.
@Suite("Aggregate")
struct AggregateTests {
    @Test("a replica for each place is made, and started as it would be alone")
    func born() {
        var fleet = Fleet(replicas: 3)
        let decision = fleet.decide()
        #expect(decision.record.members.map(\.index) == [0, 1, 2])
        #expect(decision.actions.isEmpty, "nothing was seen yet")
        fleet.seeAll(.absent)
        #expect(
            fleet.decide().actions.map(\.actions) == Array(repeating: [.createCompute(attempt: 1, from: nil)], count: 3)
        )
        #expect(fleet.record.phase == .pending)
    }

    @Test("those that have no place any more are deleted, and a new one for that place has another identity")
    func scaled() {
        var fleet = Fleet.running(3)
        fleet.intent.replicas = 2
        var decision = fleet.decide()
        #expect(decision.counts.replicas == 2 && decision.counts.ready == 2)
        #expect(decision.actions.map(\.index) == [2])
        #expect(decision.actions.first?.actions == [.deleteCompute(attempt: 1)])
        #expect(decision.conditions.first?.status == .yes)

        fleet.intent.replicas = 3
        #expect(fleet.decide().record.members.count == 3, "its place is still taken")
        fleet.seen["set-3"]?.compute = .absent
        decision = fleet.decide()
        #expect(decision.record.members.map(\.recorded.identity) == ["set-1", "set-2", "set-4"])
        #expect(decision.record.phase == .pending)
    }

    @Test("nothing is created or deleted for a new number while they are paused")
    func scaledWhilePaused() {
        var fleet = Fleet.paused(2)
        for replicas in [1, 3] {
            fleet.intent.replicas = replicas
            #expect(fleet.decide().record.replicas.count == 2)
        }
        fleet.state(.running)
        #expect(fleet.decide().record.replicas.count == 3)
    }

    @Test("none is asked for the point of no return before all are durable")
    func gate() {
        var fleet = Fleet.pausing(2)
        fleet.capture("set-1", .verified)
        #expect(fleet.decide().record.phase == .pausing)
        #expect(fleet.decide().actions.map(\.index) == [1], "there is nothing to do about the one that waits")
        fleet.capture("set-2", .verified)
        #expect(fleet.decide().actions.map(\.actions) == [[.seal(uid: "set-1-2")], [.seal(uid: "set-2-2")]])
        #expect(fleet.record.phase == .sealing)
    }

    @Test("one that fails thaws them all, and says which it was")
    func failure() throws {
        var fleet = Fleet.pausing(3)
        fleet.capture("set-1", .verified)
        let uid = try #require(fleet.record.members[1].recorded.phase.capture?.uid)
        fleet.seen["set-2"]?.capture = .init(uid: uid, progress: .failed(.told), hold: .unknown)
        let abandoned = fleet.decide().actions.map(\.actions)
        #expect(abandoned == (1...3).map { [.abandon(uid: "set-\($0)-2")] })
        for identity in fleet.seen.keys {
            fleet.seen[identity]?.capture = .init(uid: "\(identity)-2", progress: .none, hold: .thawed)
        }
        let decision = fleet.decide()
        #expect(decision.record.phase == .running && decision.counts.ready == 3)
        #expect(decision.condition(.pauseFailed)?.message == "Replica 1: \(Problem.told.message)")
        #expect(fleet.decide().record == decision.record, "it is not tried again by itself")
    }

    @Test("one that was sealed when another was thawed comes back from its artifact")
    func undone() {
        var fleet = Fleet.pausing(2)
        fleet.capture("set-1", .verified)
        fleet.capture("set-2", .verified)
        _ = fleet.decide()
        fleet.seen["set-1"]?.capture?.hold = .sealed
        fleet.seen["set-2"]?.capture?.hold = .thawed
        #expect(fleet.decide().actions.first?.actions.first == .release(uid: "set-1-2", attempt: 1))
        fleet.seen["set-1"]?.compute = .absent
        #expect(fleet.decide().actions.first?.actions.first == .verifyArtifact(artifact("set-1"), attempt: 3))
        #expect(fleet.record.phase == .thawing)
        fleet.seen["set-1"]?.compute = .running(3)
        let decision = fleet.decide()
        #expect(decision.record.phase == .running && decision.counts.ready == 2)
        #expect(decision.condition(.pauseFailed)?.reason == "FreezeEnded")
    }

    @Test("more of them than may be paused, or none, are refused and run on", arguments: [0, 1, 2, 3])
    func limit(replicas: Int) {
        var fleet = Fleet.running(replicas)
        fleet.policy.maximumPauseReplicas = 2
        fleet.state(.paused)
        let decision = fleet.decide()
        let isAllowed = 1...2 ~= replicas
        #expect(decision.record.phase == (isAllowed ? .pausing : .running))
        #expect(decision.condition(.pauseFailed)?.reason == (isAllowed ? "NoFailure" : "UnsupportedReplicas"))
        #expect(decision.record.acknowledged == 2)
    }

    @Test("one whose compute was given away keeps all from being paused, and says so; the others run on")
    func givenAway() {
        var fleet = Fleet.running(3)
        fleet.seen["set-2"] = Observation(isGivenAway: true)
        #expect(fleet.decide().record.phase == .running)
        fleet.state(.paused)
        var decision = fleet.decide()
        #expect(decision.record.phase == .running && decision.record.acknowledged == 2 && decision.actions.isEmpty)
        #expect(decision.condition(.pauseFailed)?.reason == "PodGivenBack")
        #expect(decision.condition(.pauseFailed)?.message.hasPrefix("Replica 1: ") == true)
        // It is in the way only as long as there is to be such a replica.
        fleet.intent.replicas = 1
        _ = fleet.decide()
        fleet.state(.paused)
        decision = fleet.decide()
        #expect(decision.record.phase == .pausing)
    }

    @Test("a replica that is lost makes the whole failed, refuses a pause, and is started again by a resume alone")
    func lost() {
        var fleet = Fleet.running(2)
        fleet.seen["set-2"]?.compute = .absent
        var decision = fleet.decide()
        #expect(decision.record.phase == .failed)
        #expect(decision.counts.failed == 1 && decision.counts.ready == 1)
        #expect(decision.condition(.ready)?.status == .no)
        #expect(fleet.admit(.resume) == .accept)
        guard case .refuse = fleet.admit(.pause) else { Issue.record("a pause is admitted"); return }

        fleet.state(.paused)
        decision = fleet.decide()
        #expect(decision.condition(.pauseFailed)?.reason == "NothingToPause")
        #expect(decision.record.members.first?.recorded.phase == .running)
        fleet.state(.running)
        decision = fleet.decide()
        #expect(decision.actions.map(\.actions) == [[.createCompute(attempt: 2, from: nil)]])
        #expect(decision.record.phase == .pending)
    }

    @Test("what cannot be resumed stays paused, and a later resume can succeed", arguments: [1, 2])
    func notResumed(replicas: Int) {
        var fleet = Fleet.paused(replicas)
        fleet.state(.running)
        for action in fleet.decide().actions {
            guard case .verifyArtifact(_, let attempt)? = action.actions.first else { continue }
            fleet.seen[action.identity]?.verification = .init(attempt: attempt, outcome: .missing(.told))
        }
        let decision = fleet.decide()
        #expect(decision.record.phase == .paused)
        #expect(decision.condition(.paused)?.status == .yes)
        #expect(decision.condition(.resumeFailed)?.status == .yes)
        fleet.state(.running)
        #expect(fleet.decide().record.phase == .resuming)
    }

    @Test("a snapshot of one replica keeps all from being paused until it is over")
    func checkpoint() {
        var fleet = Fleet.running(2)
        fleet.seen["set-1"]?.checkpoint = .wanted("snapshot")
        #expect(fleet.decide().record.members.first?.recorded.checkpoint == "snapshot")
        fleet.state(.paused)
        #expect(fleet.decide().record.phase == .running)
        fleet.seen["set-1"]?.checkpoint = Observation.Checkpoint.none
        #expect(fleet.decide().record.phase == .pausing)
    }

    @Test("a pause of all goes before the next snapshot")
    func checkpointAfterPause() {
        var fleet = Fleet.running(2)
        fleet.seen["set-1"]?.checkpoint = .wanted("first")
        #expect(fleet.decide().record.members.first?.recorded.checkpoint == "first")
        fleet.state(.paused)
        fleet.seen["set-1"]?.checkpoint = .wanted("second")
        let decision = fleet.decide()
        #expect(decision.record.phase == .pausing)
        #expect(decision.record.members.first?.recorded.checkpoint == nil)
    }

    @Test("the whole is deleted when it expires, and only when all of it has failed")
    func timers() {
        var fleet = Fleet.running(2)
        fleet.intent.intent.timers = Timers(expireAt: Story.start.addingTimeInterval(50), deleteAfterFailure: 5)
        #expect(fleet.decide().wakeAt == Story.start.addingTimeInterval(50))
        fleet.seen["set-1"]?.compute = .absent
        #expect(fleet.decide().wakeAt == Story.start.addingTimeInterval(50))
        fleet.seen["set-2"]?.compute = .absent
        #expect(fleet.decide().wakeAt == Story.start.addingTimeInterval(5))
        fleet.now = Story.start.addingTimeInterval(5)
        #expect(fleet.decide().record.stage == .deleted)
    }

    @Test("a record survives being stored")
    func stored() throws {
        var fleet = Fleet.pausing(2)
        fleet.state(.running)
        let record = fleet.decide().record
        let stored = try JSONEncoder().encode(record)
        #expect(try JSONDecoder().decode(AggregateRecord.self, from: stored) == record)
    }
}

/// Some replicas and their machine, told step by step.
private struct Fleet {
    var intent: AggregateIntent
    var record = AggregateRecord(identity: "set")
    var seen: [String: Observation] = [:]
    var now = Story.start
    var policy = LifecyclePolicy()

    init(replicas: Int) {
        intent = AggregateIntent(Intent(wish: .running, generation: 1), replicas: replicas)
    }

    mutating func decide() -> AggregateDecision {
        let decision = Aggregate.decide(
            intent: intent,
            recorded: record,
            observations: seen,
            now: now,
            policy: policy
        )
        record = decision.record
        return decision
    }

    mutating func state(_ wish: Wish) {
        intent.intent.wish = wish
        intent.intent.generation += 1
    }

    mutating func seeAll(_ compute: Observation.Compute) {
        for member in record.members { seen[member.recorded.identity, default: Observation()].compute = compute }
    }

    /// What is seen of a replica whose capture succeeded: its artifact is named for it.
    mutating func capture(_ identity: String, _ outcome: Observation.Verification.Outcome) {
        seen[identity]?.capture = .init(uid: "\(identity)-2", progress: .succeeded(artifact(identity)), hold: .held)
        seen[identity]?.verification = .init(attempt: 2, outcome: outcome)
    }

    func admit(_ request: LifecycleRequest) -> Admission {
        Lifecycle.admit(request, intent: intent.intent, recorded: record, api: .openSandboxREST)
    }

    static func running(_ replicas: Int) -> Fleet {
        var fleet = Fleet(replicas: replicas)
        _ = fleet.decide()
        fleet.seeAll(.running(1))
        _ = fleet.decide()
        return fleet
    }

    static func pausing(_ replicas: Int) -> Fleet {
        var fleet = running(replicas)
        fleet.state(.paused)
        _ = fleet.decide()
        return fleet
    }

    static func paused(_ replicas: Int) -> Fleet {
        var fleet = pausing(replicas)
        for identity in fleet.seen.keys { fleet.capture(identity, .verified) }
        _ = fleet.decide()
        for identity in fleet.seen.keys { fleet.seen[identity]?.capture?.hold = .sealed }
        _ = fleet.decide()
        fleet.seeAll(.absent)
        _ = fleet.decide()
        return fleet
    }
}

extension AggregateDecision {
    fileprivate func condition(_ kind: Condition.Kind) -> Condition? {
        conditions.first { $0.kind == kind }
    }
}
