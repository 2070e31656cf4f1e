// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import SandboxModels

/// The sandbox's program and the node that runs it.
extension World {
    func afterNode(_ event: Event, _ budget: Budget) -> World? {
        var world = self
        switch event {
        case .programWrites:
            guard runs, writes < budget.writes else { return nil }
            world.writes += 1
            world.compute.work = world.writes
        case .computeComesUp:
            guard compute.state == .starting, compute.deleting == 0 else { return nil }
            world.compute.state = .running
        case .computeFailsToStart:
            guard compute.state == .starting, faults < budget.faults else { return nil }
            world.faults += 1
            world.compute.state = .ended
        case .computeEnds:
            guard runs, faults < budget.faults else { return nil }
            world.faults += 1
            world.compute.state = .ended
        case .kubeletThaws:
            guard compute.deleting == 1, compute.frozenBy != 0 else { return nil }
            world.compute.frozenBy = 0
        case .computeIsGone:
            guard compute.deleting != 0 else { return nil }
            world.removeCompute()
        case .computeIsLost:
            guard compute.state != .absent, compute.deleting == 0, faults < budget.faults else { return nil }
            world.faults += 1
            world.removeCompute()
        case .nodeIsLost:
            // With the newest capture's committer and holder, wherever they were.
            guard compute.state != .absent, faults < budget.faults else { return nil }
            world.faults += 1
            world.removeCompute()
            if newest != 0, self[capture: newest].target == compute.number, self[capture: newest].hold != .thawed {
                world[capture: newest].hold = .gone
            }
        default:
            return nil
        }
        return world
    }

    /// What is left when the compute is gone: a holder that holds nothing any more says thawed.
    private mutating func removeCompute() {
        let newest = newest
        if newest != 0, self[capture: newest].target == compute.number {
            if self[capture: newest].hold == .held { self[capture: newest].hold = .thawed }
            if self[capture: newest].progress.isActive { self[capture: newest].progress = .failed }
        }
        compute = Compute()
    }
}

extension World.Progress {
    var isActive: Bool {
        switch self {
        case .started, .frozen, .captured, .pushed: true
        case .none, .succeeded, .failed: false
        }
    }
}
