// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import SandboxModels

/// One snapshot of the explored sandbox: its owner, its capture, and the process that decides about it.
extension World {
    func afterSnapshot(_ event: Event, _ budget: Budget, _ recorded: Recorded, _ machine: SnapshotMachine) -> World? {
        guard budget.takesSnapshot else { return nil }
        var world = self
        switch event {
        case .ownerWantsSnapshot:
            guard snapshot.record == 0 else { return nil }
            world.snapshot.record = 1
        case .ownerDeletesSnapshot:
            guard snapshot.record != 0, snapshotIsUnwanted == 0 else { return nil }
            world.snapshotIsUnwanted = 1
        case .snapshotProceeds:
            guard snapshot.progress.isActive else { return nil }
            world.proceedWithSnapshot()
        case .snapshotFails, .snapshotVanishes:
            guard snapshot.progress.isActive, faults < budget.faults else { return nil }
            world.faults += 1
            world.snapshot.progress = event == .snapshotFails ? .failed : .none
        case .snapshotThawsAtDeadline:
            guard isFrozenForSnapshot, lateness != .inTime else { return nil }
            world.compute.frozenBy = 0
        case .snapshotSees:
            world.snapshot.seenTurn = Snapshot.Turn(recorded.turn(of: SnapshotMachine.uid))
            world.snapshot.seenProgress = snapshot.progress.isActive ? .started : snapshot.progress
        case .sandboxSeesSnapshot:
            let record = machine.records[Int(snapshot.record)]
            world.seenSnapshot = snapshot.record == 0 || record.isOver ? .none : .wanted
        default:
            return nil
        }
        return world.isSame(as: self) ? nil : world
    }

    /// Its process decides, writes that down, and carries it out, unless it dies before that.
    func afterSnapshotDecides(
        _ event: Event,
        _ budget: Budget,
        _ recorded: Recorded,
        _ machine: SnapshotMachine
    ) -> (World, Violation?)? {
        guard snapshot.record != 0 else { return nil }
        let outcome = machine.decide(in: self)
        var world = self
        var violation = outcome.violation
        world.snapshot.record = UInt8(outcome.record)
        let (before, after) = (machine.records[Int(snapshot.record)].phase, machine.records[outcome.record].phase)
        if case .waiting = before, case .capturing = after {
            world.lateness = .inTime
            if recorded.phase.capture != nil {
                violation =
                    violation ?? Violation(.six, "a snapshot is begun while its sandbox is \(recorded.phase.name)")
            }
        }
        if event == .snapshotDiesDeciding {
            guard faults < budget.faults else { return nil }
            world.faults += 1
            world.snapshot.forgetSightings()
        } else {
            for action in outcome.actions {
                violation = violation ?? world.perform(action, after)
            }
        }
        if machine.records[outcome.record].isOver, isFrozenForSnapshot {
            violation = violation ?? Violation(.five, "a snapshot is said to be over that still freezes its sandbox")
        }
        if case .ready = after, snapshot.wasVerified == 0 {
            violation = violation ?? Violation(.one, "a snapshot is ready that was not verified")
        }
        return world.isSame(as: self) && violation == nil ? nil : (world, violation)
    }

    var isFrozenForSnapshot: Bool { compute.frozenBy == SnapshotMachine.number }

    private mutating func perform(_ action: SnapshotAction, _ phase: SnapshotRecord.Phase) -> Violation? {
        switch action {
        case .capture:
            if snapshot.progress == .none, snapshot.isEnded == 0 {
                snapshot.progress = snapshot.hasFrozen == 1 ? .failed : .started
            }
        case .verifyArtifact:
            snapshot.verified = snapshot.stored == .yes ? .verified : .missing
            if snapshot.stored == .yes { snapshot.wasVerified = 1 }
        case .endCapture(_, let artifact):
            snapshot.isEnded = 1
            snapshot.progress = .none
            if isFrozenForSnapshot { compute.frozenBy = 0 }
            if artifact == nil, snapshot.stored == .yes { snapshot.stored = .deleted }
        case .deleteArtifact:
            if case .ready = phase {
                return Violation(.references, "the artifact of a snapshot is deleted that is ready")
            }
            snapshot.stored = .deleted
        }
        return nil
    }

    /// One step of a capture that lets the sandbox run on. It freezes at most once.
    private mutating func proceedWithSnapshot() {
        switch snapshot.progress {
        case .started:
            if runs, compute.deleting == 0, lateness == .inTime, snapshot.hasFrozen == 0 {
                compute.frozenBy = SnapshotMachine.number
                snapshot.hasFrozen = 1
                snapshot.progress = .frozen
            } else {
                snapshot.progress = .failed
            }
        case .frozen:
            snapshot.progress = isFrozenForSnapshot ? .captured : .failed
            if isFrozenForSnapshot { compute.frozenBy = 0 }
        case .captured:
            snapshot.progress = .succeeded
            snapshot.stored = .yes
        case .none, .pushed, .succeeded, .failed:
            break
        }
    }

    /// What is wrong with a snapshot when nothing happens any more.
    func violation(ofSettled machine: SnapshotMachine) -> Violation? {
        let record = machine.records[Int(snapshot.record)]
        guard snapshot.record != 0 else { return nil }
        switch record.phase {
        case .ready where snapshotIsUnwanted == 0:
            return snapshot.stored == .yes ? nil : Violation(.references, "the artifact of a snapshot is gone")
        case .failed where snapshotIsUnwanted == 0, .deleted where snapshotIsUnwanted == 1:
            return snapshot.stored != .yes
                ? nil : Violation(.progress, "an artifact stays that nobody needs: \(record)")
        default:
            return Violation(.progress, "a snapshot has stopped half-way: \(record)")
        }
    }
}

extension World.Snapshot {
    mutating func forgetSightings() {
        seenTurn = .unknown
        seenProgress = .none
        verified = .none
    }
}
