// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import SandboxModels

/// The newest capture: its committer, the holder of its freeze, and the store. Older ones have ended.
extension World {
    func afterCommitter(_ event: Event, _ budget: Budget) -> World? {
        let number = newest
        let capture = self[capture: number]
        guard number != 0, capture.hold != .gone else { return nil }
        var world = self
        switch event {
        case .committerProceeds:
            guard capture.progress.isActive else { return nil }
            world.proceed(number)
        case .committerFails:
            guard capture.progress.isActive, faults < budget.faults else { return nil }
            world.faults += 1
            world[capture: number].progress = .failed
        case .committerVanishes:
            guard capture.progress.isActive, faults < budget.faults else { return nil }
            world.faults += 1
            world[capture: number].progress = .none
        case .resultIsLost:
            guard capture.progress == .succeeded, faults < budget.faults else { return nil }
            world.faults += 1
            world[capture: number].progress = .none
        case .holderThawsAtDeadline:
            guard capture.hold == .held, lateness != .inTime else { return nil }
            world.thaw(number)
        case .holderThawsAfterFailure:
            guard capture.hold == .held, capture.progress == .failed else { return nil }
            world.thaw(number)
        case .holderIsTerminated:
            guard capture.hold == .held, faults < budget.faults else { return nil }
            world.faults += 1
            world.thaw(number)
        default:
            return nil
        }
        return world
    }

    /// The store loses the artifact that the next resume would start from, or the one that is being captured.
    func afterStore(_ event: Event, _ budget: Budget, kept: UInt8) -> World? {
        guard event == .artifactIsLost, faults < budget.faults else { return nil }
        for number in [newest, kept] where self[capture: number].stored == .yes {
            var world = self
            world.faults += 1
            world[capture: number].stored = .lost
            return world
        }
        return nil
    }

    /// One step of a committer. It freezes at most once, before the deadline, and does not report success unless the
    /// compute is still frozen by it.
    private mutating func proceed(_ number: UInt8) {
        var capture = self[capture: number]
        let isFrozen = compute.frozenBy == number && capture.hold == .held
        switch capture.progress {
        case .started:
            if compute.number == capture.target, runs, compute.deleting == 0, lateness == .inTime, capture.hold == .none
            {
                compute.frozenBy = number
                capture.hold = .held
                capture.progress = .frozen
            } else {
                capture.progress = .failed
            }
        case .frozen:
            capture.progress = isFrozen ? .captured : .failed
            if isFrozen { capture.content = compute.work }
        case .captured:
            capture.progress = .pushed
            capture.stored = .yes
        case .pushed:
            capture.progress = isFrozen ? .succeeded : .failed
        case .none, .succeeded, .failed:
            break
        }
        self[capture: number] = capture
    }

    mutating func thaw(_ number: UInt8) {
        self[capture: number].hold = .thawed
        if compute.frozenBy == number { compute.frozenBy = 0 }
    }
}
