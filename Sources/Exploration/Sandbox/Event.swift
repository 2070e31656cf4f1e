// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

/// Everything that can happen around one sandbox, one step at a time.
enum Event: UInt8, CaseIterable {
    case ownerWantsRunning, ownerWantsPaused, ownerWantsDeleted, ownerRenews, ownerMovesPauseTime
    case pauseTimerFires, expiryTimerFires, failureTimerFires
    case programWrites, computeComesUp, computeFailsToStart, computeEnds, computeIsGone, kubeletThaws
    case computeIsLost, nodeIsLost
    case committerProceeds, committerFails, committerVanishes, resultIsLost
    case holderThawsAtDeadline, holderThawsAfterFailure, holderIsTerminated, deadlinePasses, gracePasses
    case artifactIsLost
    case controllerSeesCompute, controllerSeesCapture, controllerDecides, controllerActs, actionIsLost
    case ownerWantsSnapshot, ownerDeletesSnapshot, snapshotProceeds, snapshotFails, snapshotVanishes
    case snapshotThawsAtDeadline, snapshotSees, snapshotDecides, snapshotDiesDeciding, sandboxSeesSnapshot
    case storeIsUnreachable, controllerDies, controllerDiesSending, lateActionArrives
}

/// What an exploration may spend, and what it starts from.
struct Budget {
    /// Statements of a wish after the first.
    var intents: UInt8
    /// Writes by the program in the sandbox.
    var writes: UInt8
    /// Crashes, losses, failures, and messages that are lost or come late.
    var faults: UInt8
    /// Whether the intent has a date to pause at.
    var pausesByItself = false
    /// Whether the intent has a date to expire at, and whether that counts while paused.
    var expiry = Expiry.never

    /// Whether a sandbox that has failed is deleted by itself some time after.
    var endsAfterFailure = false
    /// New dates for the timers.
    var renewals: UInt8 = 0

    /// Whether the owner asks for a snapshot.
    var takesSnapshot = false

    enum Expiry { case never, evenPaused, unlessPaused }

    /// What cannot happen within the budget; everything else must.
    var impossible: Set<Event> {
        var events: Set<Event> = []
        if writes == 0 { events.insert(.programWrites) }
        if !pausesByItself { events.insert(.pauseTimerFires) }
        if expiry == .never { events.insert(.expiryTimerFires) }
        if expiry == .never || renewals == 0 { events.insert(.ownerRenews) }
        if !pausesByItself || renewals == 0 { events.insert(.ownerMovesPauseTime) }
        if !takesSnapshot {
            events.formUnion([
                .ownerWantsSnapshot, .ownerDeletesSnapshot, .snapshotProceeds, .snapshotFails, .snapshotVanishes,
                .snapshotThawsAtDeadline, .snapshotSees, .snapshotDecides, .snapshotDiesDeciding, .sandboxSeesSnapshot,
            ])
        }
        if !endsAfterFailure { events.insert(.failureTimerFires) }
        // A frozen sandbox is deleted only if somebody asks for both.
        if expiry == .never, !pausesByItself, !endsAfterFailure, intents < 2 { events.insert(.kubeletThaws) }
        return events
    }

    /// The world before anything has happened.
    var start: World {
        var world = World()
        world.pauseAt = pausesByItself ? .upcoming : .none
        world.expireAt = expiry == .never ? .none : .upcoming
        world.expiresWhilePaused = expiry == .unlessPaused ? 0 : 1
        world.failureEnds = endsAfterFailure ? .upcoming : .none
        return world
    }
}

extension Budget: CustomStringConvertible {
    var description: String {
        var text = "\(intents) intents, \(writes) writes, \(faults) faults"
        if pausesByItself { text += ", a time to pause" }
        if expiry != .never { text += ", expires \(expiry)" }
        if endsAfterFailure { text += ", ends after failure" }
        if takesSnapshot { text += ", a snapshot" }
        if renewals > 0 { text += ", \(renewals) renewals" }
        return text
    }
}
