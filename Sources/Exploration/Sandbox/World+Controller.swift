// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import SandboxModels

/// What the machine's process sees and does.
extension World {
    /// The process looks at one thing at a time, when it gets round to it.
    func afterSeeing(_ event: Event, _ phase: Phase) -> World? {
        guard todo.0 == 0 else { return nil }
        var world = self
        switch event {
        case .controllerSeesCompute:
            world.seenCompute = compute.deleting != 0 ? .stopping : compute.state
            world.seenComputeNumber = compute.number
        case .controllerSeesCapture:
            guard let number = phase.capture.map({ UInt8($0.number) }) else { return nil }
            let capture = self[capture: number]
            world.seenCapture = number
            world.seenProgress = capture.progress.isActive ? .started : capture.progress
            world.seenHold = capture.hold == .gone ? .none : capture.hold
        default:
            return nil
        }
        return world.isSame(as: self) ? nil : world
    }

    /// The process decides, and writes down what it decided.
    func afterDeciding(_ outcome: Machine.Outcome, _ after: Recorded) -> World? {
        guard todo.0 == 0, record != outcome.record || !outcome.actions.isEmpty else { return nil }
        var world = self
        world.record = outcome.record
        return world.adopt(after, outcome.actions) ? world : nil
    }

    /// Takes a new record and what is to be done. False if the world has no room for another capture.
    mutating func adopt(_ recorded: Recorded, _ actions: [UInt8]) -> Bool {
        if recorded.phase.name != .failed, failureEnds == .due { failureEnds = .upcoming }
        if let capture = recorded.phase.capture {
            let before = newest
            guard begin(capture: UInt8(capture.number)) else { return false }
            if newest != before { lateness = .inTime }
        }
        forgetOldNews(recorded)
        let actions = actions + [0, 0, 0, 0, 0, 0]
        todo = (actions[0], actions[1], actions[2], actions[3], actions[4], actions[5])
        return true
    }

    /// The process or its messages are lost.
    func afterCrash(_ event: Event, _ budget: Budget) -> World? {
        guard faults < budget.faults else { return nil }
        var world = self
        world.faults += 1
        switch event {
        case .actionIsLost:
            guard todo.0 != 0 else { return nil }
            _ = world.takeAction()
            return world
        case .controllerDies:
            break
        case .controllerDiesSending:
            // Creating is done only while the record stands, so it is never late.
            let kind = ActionCode(byte: todo.0).kind
            guard todo.0 != 0, ghost == 0, kind != .createFromImage, kind != .createFromArtifact else { return nil }
            world.ghost = todo.0
        default:
            return nil
        }
        world.todo = (0, 0, 0, 0, 0, 0)
        world.seenCompute = .unknown
        world.seenComputeNumber = 0
        world.seenCapture = 0
        world.seenProgress = .none
        world.seenHold = .none
        world.verifiedAttempt = 0
        world.verifiedOutcome = .none
        world.seenSnapshot = .unknown
        world.snapshot.forgetSightings()
        world.faults = faults
        guard !world.isSame(as: self) else { return nil }
        world.faults = faults + 1
        return world
    }

    /// What was seen of attempts that are over makes no difference, so worlds that differ in it are one.
    private mutating func forgetOldNews(_ recorded: Recorded) {
        let capture = recorded.phase.capture.map { UInt8($0.number) } ?? 0
        if seenCapture != capture {
            seenCapture = 0
            seenProgress = .none
            seenHold = .none
        }
        if verifiedAttempt != capture, verifiedAttempt != UInt8(recorded.incarnation) {
            verifiedAttempt = 0
            verifiedOutcome = .none
        }
    }
}
