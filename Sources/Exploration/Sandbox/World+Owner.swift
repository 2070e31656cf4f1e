// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import SandboxModels

/// The owner, and time.
extension World {
    /// What the owner states, as often as the budget allows; also what was stated already.
    func afterOwner(_ event: Event, _ budget: Budget) -> World? {
        guard wish != Wish.deleted.code else { return nil }
        var world = self
        switch event {
        case .ownerRenews:
            // Another date that is still to come makes no difference to one that is.
            guard renewals < budget.renewals, expireAt == .due else { return nil }
            world.renewals += 1
            world.expireAt = .upcoming
            return world
        case .ownerMovesPauseTime:
            guard renewals < budget.renewals, pauseAt == .due else { return nil }
            world.renewals += 1
            world.pauseTimes += 1
            world.pauseAt = .upcoming
            return world
        default:
            break
        }
        guard intents < budget.intents else { return nil }
        switch event {
        case .ownerWantsRunning: world.wish = Wish.running.code
        case .ownerWantsPaused: world.wish = Wish.paused.code
        case .ownerWantsDeleted: world.wish = Wish.deleted.code
        default: return nil
        }
        world.intents += 1
        world.generation += 1
        return world
    }

    /// Timers and deadlines.
    func afterTime(_ event: Event, _ phase: Phase) -> World? {
        var world = self
        switch event {
        case .pauseTimerFires:
            guard pauseAt == .upcoming else { return nil }
            world.pauseAt = .due
        case .expiryTimerFires:
            guard expireAt == .upcoming else { return nil }
            world.expireAt = .due
        case .failureTimerFires:
            guard failureEnds == .upcoming, phase.name == .failed else { return nil }
            world.failureEnds = .due
        case .deadlinePasses:
            let newest = self[capture: newest]
            let isSnapshotActive = snapshot.progress.isActive || isFrozenForSnapshot
            guard lateness == .inTime, phase.capture != nil || newest.hold == .held || isSnapshotActive else {
                return nil
            }
            world.lateness = .deadlinePassed
        case .gracePasses:
            // The grace is longer than the holder takes, so it has thawed by then.
            guard lateness == .deadlinePassed, phase.capture != nil, self[capture: newest].hold != .held else {
                return nil
            }
            world.lateness = .gracePassed
        default:
            return nil
        }
        return world
    }
}
