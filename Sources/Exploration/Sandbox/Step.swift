// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import SandboxModels

/// One sandbox and its machine: what can happen, and what does happen when nothing goes wrong any more.
struct SandboxModel: Model {
    typealias Step = Exploration.Step<World, Event>

    let budget: Budget
    let machine: Machine
    var snapshots = SnapshotMachine()

    var start: World { budget.start }

    func label(_ event: Event, to world: World) -> String {
        switch event {
        case .controllerDecides: "\(event) -> \(machine.records[world.record].phase.name)"
        case .snapshotDecides: "\(event) -> \(snapshots.records[Int(world.snapshot.record)].phase)"
        default: "\(event)"
        }
    }

    func steps(from world: World, _ found: (Step) -> Void) {
        for event in Event.allCases {
            if let step = step(event, from: world) { found(step) }
        }
    }

    /// The step of one event, if it can happen.
    func step(_ event: Event, from world: World) -> Step? {
        let recorded = machine.records[world.record]
        switch event {
        case .ownerWantsRunning, .ownerWantsPaused, .ownerWantsDeleted, .ownerRenews, .ownerMovesPauseTime:
            return plain(event, world.afterOwner(event, budget))
        case .pauseTimerFires, .expiryTimerFires, .failureTimerFires, .deadlinePasses, .gracePasses:
            return plain(event, world.afterTime(event, recorded.phase))
        case .programWrites, .computeComesUp, .computeFailsToStart, .computeEnds, .computeIsGone, .kubeletThaws,
            .computeIsLost, .nodeIsLost:
            guard let next = world.afterNode(event, budget) else { return nil }
            return Step(event: event, world: next, violation: Law.violation(of: event, in: world, recorded))
        case .committerProceeds, .committerFails, .committerVanishes, .resultIsLost, .holderThawsAtDeadline,
            .holderThawsAfterFailure, .holderIsTerminated:
            return plain(event, world.afterCommitter(event, budget))
        case .artifactIsLost:
            return plain(event, world.afterStore(event, budget, kept: recorded.artifactNumber))
        case .controllerSeesCompute, .controllerSeesCapture:
            return plain(event, world.afterSeeing(event, recorded.phase))
        case .ownerWantsSnapshot, .ownerDeletesSnapshot, .snapshotProceeds, .snapshotFails, .snapshotVanishes,
            .snapshotThawsAtDeadline, .snapshotSees, .sandboxSeesSnapshot:
            return plain(event, world.afterSnapshot(event, budget, recorded, snapshots))
        case .snapshotDecides, .snapshotDiesDeciding:
            let after = world.afterSnapshotDecides(event, budget, recorded, snapshots)
            return after.map { Step(event: event, world: $0.0, violation: $0.1) }
        case .controllerDecides:
            return deciding(world, recorded)
        case .controllerActs, .storeIsUnreachable, .lateActionArrives:
            return acting(event, world, recorded)
        case .actionIsLost, .controllerDies, .controllerDiesSending:
            return plain(event, world.afterCrash(event, budget))
        }
    }

    private func plain(_ event: Event, _ world: World?) -> Step? {
        world.map { Step(event: event, world: $0) }
    }

    private func deciding(_ world: World, _ recorded: Recorded) -> Step? {
        guard world.todo.0 == 0 else { return nil }
        let outcome = machine.decide(in: world)
        let after = machine.records[outcome.record]
        guard let next = world.afterDeciding(outcome, after) else { return nil }
        var violation = outcome.violation
        if violation == nil, recorded.phase.capture != nil, after.phase == .running, world.compute.frozenBy != 0 {
            violation = Violation(.two, "a sandbox is said to run that is frozen")
        }
        if violation == nil, world.newest != next.newest, world.compute.frozenBy != 0 {
            violation = Violation(.six, "a capture is begun while another one holds the sandbox frozen")
        }
        return Step(event: .controllerDecides, world: next, violation: violation)
    }

    private func acting(_ event: Event, _ world: World, _ recorded: Recorded) -> Step? {
        var next = world
        let action: ActionCode
        switch event {
        case .controllerActs, .storeIsUnreachable:
            action = ActionCode(byte: next.takeAction())
            guard action.kind != nil else { return nil }
        default:
            action = ActionCode(byte: world.ghost)
            guard action.kind != nil else { return nil }
            next.ghost = 0
        }
        if event == .storeIsUnreachable {
            guard action.kind == .verify, world.faults < budget.faults else { return nil }
            next.faults += 1
            next.failToVerify(action)
            return Step(event: event, world: next)
        }
        if event == .lateActionArrives, action.kind == .verify { return Step(event: event, world: next) }
        let violation = next.perform(action, recorded)
        if event == .controllerActs { next.distrust(after: action) }
        return Step(event: event, world: next, violation: violation)
    }

}

extension Law {
    /// Law 3, where it meets the sandbox's program.
    static func violation(of event: Event, in world: World, _ recorded: Recorded) -> Violation? {
        switch (event, recorded.phase) {
        case (.programWrites, .releasing), (.programWrites, .paused):
            return Violation(.three, "the program goes on after it was captured for good")
        case (.kubeletThaws, .releasing), (.kubeletThaws, .sealing), (.kubeletThaws, .paused):
            return Violation(.three, "a captured sandbox is thawed to be deleted")
        case (.computeIsGone, .releasing(_, let artifact)):
            let content = world[capture: UInt8(Names.number(artifact))].content
            guard world.compute.state == .running, world.compute.work != content else { return nil }
            return Violation(.three, "write \(world.compute.work) is lost, \(content) was captured")
        default:
            return nil
        }
    }
}
