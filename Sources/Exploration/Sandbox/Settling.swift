// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import SandboxModels

/// What happens when nothing goes wrong any more and nobody asks for anything: does it come to an end, and to which?
extension SandboxModel {
    /// Time passes only when nothing else can happen: then it is what everybody waits for.
    func next(from world: World) -> World? {
        if world.todo.0 != 0 { return step(.controllerActs, from: world)?.world }
        let own: [Event] = [
            .lateActionArrives, .computeComesUp, .computeIsGone, .committerProceeds, .holderThawsAtDeadline,
            .holderThawsAfterFailure, .controllerSeesCompute, .controllerSeesCapture, .snapshotProceeds,
            .snapshotThawsAtDeadline, .snapshotSees, .sandboxSeesSnapshot, .snapshotDecides,
        ]
        for event in own {
            if let step = step(event, from: world) { return step.world }
        }
        var turned = world
        if let decided = step(.controllerDecides, from: world) {
            turned = decided.world
            while let acted = step(.controllerActs, from: turned) { turned = acted.world }
            if !turned.isSame(as: world) { return turned }
        }
        for event in [Event.deadlinePasses, .gracePasses] {
            if let step = step(event, from: world) { return step.world }
        }
        return nil
    }

    /// What is wrong with a world that has settled, or with what comes of it when it is asked to run once more.
    func violation(ofSettled world: World) -> Violation? {
        if let violation = violation(settled: world) { return violation }
        let recorded = machine.records[world.record]
        let kept = world[capture: recorded.artifactNumber]
        switch recorded.phase {
        case .paused where kept.stored == .yes, .failed where recorded.artifact == nil || kept.stored == .yes: break
        default: return nil
        }
        if world.expireAt == .due || world.failureEnds == .due { return nil }
        var asked = world
        asked.wish = Wish.running.code
        asked.generation += 1
        for _ in 0..<100 {
            guard let next = next(from: asked) else { break }
            asked = next
        }
        let after = machine.records[asked.record]
        // A date to pause at that was not acted upon yet is, as soon as the sandbox runs.
        guard after.phase == .running || (asked.pauseAt == .due && after.attempts > recorded.attempts) else {
            return Violation(.four, "it cannot be brought back: \(recorded) becomes \(after)")
        }
        return nil
    }

    /// What is wrong with a world that has settled.
    private func violation(settled world: World) -> Violation? {
        let recorded = machine.records[world.record]
        func stuck(_ text: String) -> Violation { Violation(.progress, "\(text): \(recorded)") }
        if world.compute.frozenBy != 0 { return Violation(.five, "a sandbox stays frozen: \(recorded)") }
        if let violation = world.violation(ofSettled: snapshots) { return violation }
        if !recorded.leftovers.isEmpty { return stuck("leftovers stay") }
        if recorded.phase.name == .deleted {
            return world.compute.state == .absent ? nil : stuck("compute stays")
        }
        if world.wish == Wish.deleted.code { return stuck("a sandbox is not deleted") }
        if world.expireAt == .due, world.expiresWhilePaused == 1 || !recorded.phase.name.isNearPaused {
            return Violation(.eight, "a sandbox does not expire: \(recorded)")
        }
        if world.failureEnds == .due, recorded.phase.name == .failed {
            return Violation(.eight, "a failed sandbox does not end: \(recorded)")
        }
        if recorded.acknowledged != Int(world.generation) {
            return Violation(.six, "a request is forgotten: \(recorded)")
        }
        let wantsPause = world.wish == Wish.paused.code
        let timerPaused = recorded.spentPauseAt == Intent(world).timers.pauseAt
        switch recorded.phase {
        case .running:
            guard world.compute.state == .running, Int(world.compute.number) == recorded.incarnation else {
                return stuck("it does not run")
            }
            if world.pauseAt == .due, !wantsPause, !timerPaused {
                return Violation(.eight, "its time to pause is past: \(recorded)")
            }
            return !wantsPause || recorded.setback?.transition == .pause ? nil : stuck("nothing says why it runs")
        case .paused:
            guard world.compute.state == .absent else { return stuck("compute stays") }
            guard world[capture: recorded.artifactNumber].wasVerified == 1 else {
                return Violation(.one, "it is paused without a verified artifact")
            }
            return wantsPause || recorded.spentPauseAt != nil || recorded.setback?.transition == .resume
                ? nil : stuck("nothing says why it is paused")
        case .failed:
            return world.compute.state == .running ? stuck("it runs and is said to have failed") : nil
        case .pending, .pausing, .sealing, .releasing, .thawing, .resuming, .deleting, .deleted:
            return stuck("it has stopped half-way")
        }
    }
}
