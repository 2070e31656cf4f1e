// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import SandboxModels

/// A controller in a test, which does one thing at a time with a cache that lags behind: so that everything else can happen
/// between any two of its writes. It does what `PoolReconciler` does, in the same order.
struct AllocationActor {
    private enum Write {
        case grant(PoolLedger.Reservation)
        case release(uid: String, pods: Set<String>)
    }

    private(set) var holder: String
    /// Up to which state of the world its cache has come.
    private(set) var position: Int
    private var isHeld = false
    private var hasListed = false
    private var ledger: PoolLedger
    private var ledgerVersion: Int
    private var answered: [String: AllocationWorld.Box] = [:]
    private var writes: [Write] = []
    /// The sandboxes as they were when it decided.
    private var view: [String: AllocationWorld.Box] = [:]

    /// One that has just started: its cache is filled, with what there is or what there was a moment ago.
    init(_ holder: String, _ world: AllocationWorld, lag: Int) {
        self.holder = holder
        position = max(0, world.history.count - 1 - lag)
        ledger = world.ledger
        ledgerVersion = world.ledgerVersion
    }

    var isBusy: Bool { !writes.isEmpty || !isHeld || !hasListed }

    /// Its cache sees more.
    mutating func catchUp(_ world: AllocationWorld, by steps: Int) {
        position = min(world.history.count - 1, position + steps)
    }

    /// Does one thing.
    mutating func step(_ world: inout AllocationWorld) {
        if !isHeld {
            hold(&world)
        } else if !hasListed {
            list(world)
        } else if !writes.isEmpty {
            perform(writes.removeFirst(), &world)
        } else {
            decide(&world)
        }
    }

    private mutating func hold(_ world: inout AllocationWorld) {
        (ledger, ledgerVersion) = (world.ledger, world.ledgerVersion)
        ledger.holder = holder
        guard world.write(ledger, ifVersion: ledgerVersion) else { return }
        ledgerVersion = world.ledgerVersion
        (isHeld, hasListed, answered) = (true, false, [:])
    }

    private mutating func list(_ world: AllocationWorld) {
        let cached = world.history[position].boxes
        for (uid, box) in world.boxes where box.version > cached[uid]?.version ?? -1 { answered[uid] = box }
        hasListed = true
    }

    private mutating func lose() {
        (isHeld, hasListed, answered, writes) = (false, false, [:], [])
    }

    private mutating func decide(_ world: inout AllocationWorld) {
        let cache = world.history[position]
        view = cache.boxes
        for (uid, box) in answered {
            if let cached = cache.boxes[uid], cached.version >= box.version {
                answered[uid] = nil
            } else if cache.boxes[uid] == nil, world.boxes[uid] == nil {
                // Asked for by name, it is gone.
                answered[uid] = nil
            } else {
                view[uid] = box
            }
        }
        let sandboxes = view.values.map(\.sandbox).sorted { $0.name < $1.name }
        let pods = cache.pods.values.sorted { $0.name < $1.name }
        let decision = PoolAllocator.decide(ledger, sandboxes, pods)
        if decision.reserves {
            guard world.write(decision.ledger, ifVersion: ledgerVersion) else {
                (ledger, ledgerVersion) = (world.ledger, world.ledgerVersion)
                if ledger.holder != holder { lose() }
                return
            }
            ledgerVersion = world.ledgerVersion
        }
        ledger = decision.ledger
        writes = decision.grants.map { .grant($0) }
        for sandbox in sandboxes where !sandbox.leaving.isEmpty || (sandbox.isLeaving && sandbox.held.isEmpty) {
            writes.append(.release(uid: sandbox.uid, pods: Set(sandbox.leaving)))
        }
    }

    private mutating func perform(_ write: Write, _ world: inout AllocationWorld) {
        switch write {
        case .grant(let grant):
            guard let box = view[grant.uid] else { return }
            let new = grant.pods.filter { !box.sandbox.allocated.contains($0) }
            guard !new.isEmpty else { return }
            let answer = world.change(grant.uid, ifVersion: box.version) { box in
                box.sandbox.allocated += new
                if !box.isDeleting { box.hasFinalizer = true }
            }
            switch answer {
            case .done: answered[grant.uid] = world.boxes[grant.uid]
            case .gone: return
            case .conflict:
                guard let found = world.boxes[grant.uid] else { return }
                view[grant.uid] = found
                writes.insert(write, at: 0)
            }
        case .release(let uid, let pods):
            guard let box = view[uid] else { return }
            let answer = world.change(uid, ifVersion: box.version) { box in
                box.sandbox.released.formUnion(pods)
                if box.isDeleting, box.sandbox.held.isEmpty { box.hasFinalizer = false }
            }
            if answer == .done { answered[uid] = world.boxes[uid] }
        }
    }
}
