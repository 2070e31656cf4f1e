// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import SandboxModels
import Testing

/// Everything that can happen in the explored world, one step at a time.
enum Event: UInt8, CaseIterable {
    case ownerWantsRunning, ownerWantsPaused, ownerWantsDeleted, pauseTimerFires, expiryTimerFires
    case programWrites, computeComesUp, computeFailsToStart, computeEnds, computeIsGone, kubeletThaws
    case computeIsLost, nodeIsLost
    case committerProceeds, committerFails, committerVanishes, resultIsLost
    case holderThawsAtDeadline, holderThawsAfterFailure, holderIsTerminated, deadlinePasses, gracePasses
    case artifactIsLost
    case controllerSeesCompute, controllerSeesCapture, controllerDecides, controllerActs, actionIsLost
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

    enum Expiry { case never, evenPaused, unlessPaused }

    /// What cannot happen within the budget; everything else must.
    var impossible: Set<Event> {
        var events: Set<Event> = []
        if writes == 0 { events.insert(.programWrites) }
        if !pausesByItself { events.insert(.pauseTimerFires) }
        if expiry == .never { events.insert(.expiryTimerFires) }
        // A frozen sandbox is deleted only if somebody asks for both.
        if expiry == .never, !pausesByItself, intents < 2 { events.insert(.kubeletThaws) }
        return events
    }

    /// The world before anything has happened.
    var start: World {
        var world = World()
        world.pauseAt = pausesByItself ? .upcoming : .none
        world.expireAt = expiry == .never ? .none : .upcoming
        world.expiresWhilePaused = expiry == .unlessPaused ? 0 : 1
        return world
    }
}

extension Budget: CustomStringConvertible, CustomTestStringConvertible {
    var description: String {
        let timers = (pausesByItself ? ", a time to pause" : "") + (expiry == .never ? "" : ", expires \(expiry)")
        return "\(intents) intents, \(writes) writes, \(faults) faults\(timers)"
    }

    var testDescription: String { description }
}
