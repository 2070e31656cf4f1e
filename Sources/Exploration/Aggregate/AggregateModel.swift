// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import SandboxModels

/// Two replicas and the machine of both.
struct AggregateModel: Model {
    typealias Step = Exploration.Step<AggregateWorld, AggregateEvent>

    let budget: Budget
    let machine: AggregateMachine

    var start: AggregateWorld {
        var world = AggregateWorld()
        world.left = budget.start
        return world
    }

    func label(_ event: AggregateEvent, to world: AggregateWorld) -> String {
        guard event.event == .controllerDecides else { return "\(event)" }
        let record = machine.records[world.left.record]
        return "\(event) -> \(record.stage) \(record.members.map(\.recorded.phase.name))"
    }

    func steps(from world: AggregateWorld, _ found: (Step) -> Void) {
        for event in AggregateEvent.allCases {
            if let step = step(event, from: world) { found(step) }
        }
    }

    func step(_ event: AggregateEvent, from world: AggregateWorld) -> Step? {
        switch event.event {
        case .ownerWantsRunning, .ownerWantsPaused, .ownerWantsDeleted:
            return ofOne(event, world) { $0.afterOwner(event.event, budget) }
        case .pauseTimerFires, .expiryTimerFires:
            return ofOne(event, world) { $0.afterTime(event.event, recorded(.left, world).phase) }
        case .deadlinePasses, .gracePasses:
            return timePasses(event, world)
        case .controllerDies:
            return dying(event, world)
        case .controllerDecides:
            return deciding(event, world)
        case .controllerSeesCompute, .controllerSeesCapture:
            guard isIdle(world) else { return nil }
            let phase = recorded(event.side, world).phase
            return ofOne(event, world) { $0.afterSeeing(event.event, phase) }
        case .controllerActs, .storeIsUnreachable:
            return acting(event, world)
        case .artifactIsLost:
            let kept = recorded(event.side, world).artifactNumber
            return ofOne(event, world) { $0.afterStore(event.event, budget, kept: kept) }
        case .committerProceeds, .committerFails, .holderThawsAtDeadline, .holderThawsAfterFailure, .holderIsTerminated:
            return ofOne(event, world) { $0.afterCommitter(event.event, budget) }
        default:
            var step = ofOne(event, world) { $0.afterNode(event.event, budget) }
            step?.violation = Law.violation(of: event.event, in: world[event.side], recorded(event.side, world))
            return step
        }
    }

    func recorded(_ side: Side, _ world: AggregateWorld) -> Recorded {
        let members = machine.records[world.left.record].members
        // When all is deleted, there are none any more.
        guard members.count == 2 else {
            var gone = Recorded(identity: Names.identity, now: Moment.start)
            gone.phase = .deleted
            return gone
        }
        return members[Int(side.rawValue)].recorded
    }

    private func isIdle(_ world: AggregateWorld) -> Bool { world.left.todo.0 == 0 && world.right.todo.0 == 0 }

    private func ofOne(_ event: AggregateEvent, _ world: AggregateWorld, _ after: (World) -> World?) -> Step? {
        guard let next = after(world[event.side]) else { return nil }
        var world = world
        world[event.side] = next
        return Step(event: event, world: world)
    }

    /// Both captures have begun at the same time, so they have one deadline.
    private func timePasses(_ event: AggregateEvent, _ world: AggregateWorld) -> Step? {
        let later = Side.allCases.compactMap { world[$0].afterTime(event.event, recorded($0, world).phase) }
        guard let first = later.first else { return nil }
        let isHeld = Side.allCases.contains { world[$0][capture: world[$0].newest].hold == .held }
        if event.event == .gracePasses, isHeld { return nil }
        var next = world
        var left = world.left
        left.lateness = first.lateness
        next[.left] = left
        return Step(event: event, world: next)
    }

    private func dying(_ event: AggregateEvent, _ world: AggregateWorld) -> Step? {
        let left = world.left.afterCrash(.controllerDies, budget)
        let right = world.right.afterCrash(.controllerDies, budget)
        guard left != nil || right != nil else { return nil }
        var next = world
        if let left { next[.left] = left }
        if let right { next[.right] = right }
        return Step(event: event, world: next)
    }

    private func deciding(_ event: AggregateEvent, _ world: AggregateWorld) -> Step? {
        guard isIdle(world) else { return nil }
        let outcome = machine.decide(in: world)
        let after = machine.records[outcome.record]
        guard outcome.record != world.left.record || outcome.actions.contains(where: { !$0.isEmpty }) else {
            return nil
        }
        var next = world
        for side in Side.allCases {
            var ofSide = world[side]
            if after.members.count == 2 {
                let index = Int(side.rawValue)
                guard ofSide.adopt(after.members[index].recorded, outcome.actions[index]) else { return nil }
            }
            next[side] = ofSide
        }
        next.left.record = outcome.record
        return Step(event: event, world: next, violation: outcome.violation ?? violation(deciding: world, after))
    }

    /// What the record of a decision claims that is not true.
    private func violation(deciding world: AggregateWorld, _ after: AggregateRecord) -> Violation? {
        for (side, member) in zip(Side.allCases, after.members) {
            let before = recorded(side, world).phase
            if before.capture != nil, member.recorded.phase == .running, world[side].compute.frozenBy != 0 {
                return Violation(.two, "a replica is said to run that is frozen")
            }
            guard member.recorded.phase.name == .sealing, before.name != .sealing else { continue }
            for (side, other) in zip(Side.allCases, after.members) where other.recorded.phase != .paused {
                let capture = other.recorded.phase.capture.map { UInt8($0.number) } ?? 0
                guard world[side][capture: capture].wasVerified == 1 else {
                    return Violation(.one, "one replica is sealed before all are durable")
                }
            }
        }
        return nil
    }

    private func acting(_ event: AggregateEvent, _ world: AggregateWorld) -> Step? {
        // What is to be done about one does not wait for the other, but in which order they are done makes no difference.
        guard event.side == .left || world.left.todo.0 == 0 else { return nil }
        var ofSide = world[event.side]
        let action = ActionCode(byte: ofSide.takeAction())
        guard action.kind != nil else { return nil }
        var violation: Violation?
        if event.event == .storeIsUnreachable {
            guard action.kind == .verify, ofSide.faults < budget.faults else { return nil }
            ofSide.faults += 1
            ofSide.failToVerify(action)
        } else {
            violation = ofSide.perform(action, recorded(event.side, world))
            ofSide.distrust(after: action)
        }
        var next = world
        next[event.side] = ofSide
        return Step(event: event, world: next, violation: violation)
    }
}
