// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import SandboxModels

/// What becomes of two replicas when nothing goes wrong any more.
extension AggregateModel {
    func next(from world: AggregateWorld) -> AggregateWorld? {
        for side in Side.allCases {
            if let step = step(AggregateEvent(.controllerActs, side), from: world) { return step.world }
        }
        let own: [Event] = [
            .computeComesUp, .computeIsGone, .committerProceeds, .holderThawsAtDeadline, .holderThawsAfterFailure,
            .controllerSeesCompute, .controllerSeesCapture,
        ]
        for event in own {
            for side in Side.allCases {
                if let step = step(AggregateEvent(event, side), from: world) { return step.world }
            }
        }
        if let decided = step(AggregateEvent(.controllerDecides), from: world) {
            var turned = decided.world
            for side in Side.allCases {
                while let acted = step(AggregateEvent(.controllerActs, side), from: turned) { turned = acted.world }
            }
            if !turned.isSame(as: world) { return turned }
        }
        for event in [Event.deadlinePasses, .gracePasses] {
            if let step = step(AggregateEvent(event), from: world) { return step.world }
        }
        return nil
    }

    func violation(ofSettled world: AggregateWorld) -> Violation? {
        if let violation = violation(settled: world) { return violation }
        let record = machine.records[world.left.record]
        guard [.paused, .failed].contains(record.phase), world.left.expireAt != .due else { return nil }
        let canReturn = Side.allCases.allSatisfy { side in
            let number = recorded(side, world).artifactNumber
            return number == 0 || world[side][capture: number].stored == .yes
        }
        guard canReturn else { return nil }
        var asked = world
        asked.left.wish = Wish.running.code
        asked.left.generation += 1
        for _ in 0..<200 {
            guard let next = next(from: asked) else { break }
            asked = next
        }
        let after = machine.records[asked.left.record]
        guard after.phase == .running || asked.left.pauseAt == .due else {
            return Violation(.four, "it cannot be brought back: \(after)")
        }
        return nil
    }

    private func violation(settled world: AggregateWorld) -> Violation? {
        let record = machine.records[world.left.record]
        func stuck(_ text: String) -> Violation { Violation(.progress, "\(text): \(record)") }
        for side in Side.allCases where world[side].compute.frozenBy != 0 {
            return Violation(.five, "a replica stays frozen: \(record)")
        }
        if record.members.contains(where: { !$0.recorded.leftovers.isEmpty }) { return stuck("leftovers stay") }
        if record.stage == .deleted {
            return Side.allCases.allSatisfy { world[$0].compute.state == .absent } ? nil : stuck("compute stays")
        }
        if world.left.wish == Wish.deleted.code { return stuck("they are not deleted") }
        if world.left.expireAt == .due, world.left.expiresWhilePaused == 1 || record.stage != .paused {
            return Violation(.eight, "they do not expire: \(record)")
        }
        if record.acknowledged != Int(world.left.generation) {
            return Violation(.six, "a request is forgotten: \(record)")
        }
        switch record.stage {
        case .running: return violation(running: record, world)
        case .paused:
            for side in Side.allCases {
                let kept = recorded(side, world).artifactNumber
                guard world[side].compute.state == .absent, world[side][capture: kept].wasVerified == 1 else {
                    return Violation(.one, "they are paused without verified artifacts")
                }
            }
            return nil
        case .pausing, .undoing, .deleting, .deleted: return stuck("they have stopped half-way")
        }
    }

    private func violation(running record: AggregateRecord, _ world: AggregateWorld) -> Violation? {
        if world.left.wish == Wish.paused.code, record.pauseFailure == nil {
            return Violation(.two, "nothing says why they run: \(record)")
        }
        for side in Side.allCases {
            let member = recorded(side, world)
            switch member.phase {
            case .running:
                guard world[side].compute.state == .running, Int(world[side].compute.number) == member.incarnation
                else {
                    return Violation(.progress, "a replica does not run: \(record)")
                }
            case .paused where member.setback?.transition != .resume:
                return Violation(.two, "a replica stays paused although the pause of all failed: \(record)")
            case .paused, .failed:
                break
            default:
                return Violation(.progress, "a replica has stopped half-way: \(record)")
            }
        }
        return nil
    }
}
