// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import SandboxModels

import struct Foundation.Date

/// A sandbox that moves, its two servers, what is on its way between them, and two who carry the move out and know nothing of
/// one another.
struct MoveWorld: Hashable {
    /// Where the sandbox is at its source.
    enum Source: Hashable { case running, paused, gone }

    /// Where it is at its target.
    enum Target: Hashable {
        case absent, running
        /// The target has promised that it never will be there.
        case refused
    }

    /// How far one is who carries the move out.
    enum Driver: Hashable {
        case idle
        case doing(Move.Deed)
        case awaitsCreation
        case awaitsPromise
        case writing(Move.Event)
    }

    /// What is left out of the design, to see that it is missed.
    enum Mistake: Hashable, CaseIterable {
        /// A target that has said no, or nothing, is believed not to run it.
        case promisesAreNotAskedFor
        /// It is called off without looking how far it is.
        case calledOffAtAnyTime
        /// Somebody may resume it while it moves.
        case resumesAreNotRefused
        /// What was promised is not kept.
        case promisesAreNotKept
        /// It is deleted when it was asked for at the target, and not when it is there.
        case deletedTooEarly
    }

    var source = Source.running
    var target = Target.absent
    var move: Move
    var drivers = [Driver.idle, Driver.idle]
    /// Requests that a target has not got yet. They come late, also after whoever sent them has gone.
    var creations = 0
    var withdrawals = 0
    /// How often something may still go wrong, or somebody call it off.
    var faults: Int
    var cancellations = 1
    /// Whether somebody who was slow has paused it when its move had ended already; its owner can resume it.
    var isPausedLate = false

    init(source: Move.Source, wasRunning: Bool, faults: Int = 1) {
        self.faults = faults
        move = Move(
            id: "m",
            target: .named("t"),
            source: source,
            keepsID: true,
            wasRunning: wasRunning,
            at: Self.date
        )
        self.source = wasRunning ? .running : .paused
    }

    static let date = Date(timeIntervalSince1970: 0)
    private static let arrival = Move.Arrival(server: "t", sandboxID: "s")

    /// The law that is broken here, if one is.
    var violation: String? {
        if source == .running, target == .running { return "it runs on both sides" }
        if source == .gone, target != .running { return "it is nowhere" }
        if !move.isOpen, move.phase != .moved, target == .running { return "it has arrived, and nobody knows" }
        return nil
    }

    /// Whether nothing more happens by itself.
    var isSettled: Bool {
        guard drivers.allSatisfy({ $0 == .idle }), creations == 0, withdrawals == 0 else { return false }
        return source == .gone || !move.isOpen
    }

    /// What is wrong with the end of it.
    var failing: String? {
        if source == .gone { return target == .running ? nil : "it is nowhere" }
        switch move.phase {
        case .moved: return source == .paused && target == .running ? nil : "it has not moved"
        case .failed, .cancelled:
            if target == .running { return "it has moved" }
            // One that was paused may have been resumed by its owner meanwhile.
            return isPausedLate || !move.wasRunning || source == .running ? nil : "it is not what it was"
        default: return "its move is not over"
        }
    }

    private var status: SandboxStatus {
        SandboxStatus(state: source == .running ? .running : .paused, lastTransitionAt: Self.date)
    }

    // MARK: - Steps

    /// Every world that can come next.
    func next(_ mistake: Mistake?) -> [MoveWorld] {
        var worlds: [MoveWorld] = []
        func add(_ edit: (inout MoveWorld) -> Void) {
            var world = self
            edit(&world)
            worlds.append(world)
        }
        for driver in drivers.indices { step(driver, mistake, add) }
        if creations > 0 {
            deliver(mistake, add)
        }
        if withdrawals > 0 {
            add { world in
                world.withdrawals -= 1
                if world.target == .absent { world.target = .refused }
                world.answer(.awaitsPromise, world.target == .running ? .arrived(Self.arrival) : .withdrawn)
            }
        }
        if faults > 0 {
            for driver in drivers.indices where drivers[driver] != .idle {
                // Killed; what it has sent is on its way all the same.
                add { world in
                    world.faults -= 1
                    world.drivers[driver] = .idle
                }
            }
            if creations > 0 {
                add { world in
                    world.faults -= 1
                    world.creations -= 1
                }
            }
        }
        if cancellations > 0, move.isOpen, source != .gone {
            add { world in
                world.cancellations -= 1
                world.move = move.after(.cancelled, at: Self.date) ?? move
                if mistake == .calledOffAtAnyTime, move.phase == .arriving {
                    world.move = world.move.after(.withdrawn, at: Self.date) ?? world.move
                }
            }
        }
        if source == .paused, mistake == .resumesAreNotRefused || !move.forbidsResume, move.isOpen {
            add { $0.source = .running }
        }
        return worlds
    }

    /// The target gets a creation. Its answer may be lost.
    private func deliver(_ mistake: Mistake?, _ add: ((inout MoveWorld) -> Void) -> Void) {
        func handled(_ world: inout MoveWorld) {
            world.creations -= 1
            if world.target == .absent || mistake == .promisesAreNotKept { world.target = .running }
        }
        add { world in
            handled(&world)
            world.answer(.awaitsCreation, world.target == .running ? .arrived(Self.arrival) : .refused("no"))
        }
        add { world in
            world.creations -= 1
            // Out of space, or the like: nothing is created, and it says so.
            world.answer(.awaitsCreation, world.target == .running ? .arrived(Self.arrival) : .refused("no"))
        }
        if faults > 0 {
            add { world in
                world.faults -= 1
                handled(&world)
            }
        }
    }

    private mutating func answer(_ waiting: Driver, _ event: Move.Event) {
        guard let driver = drivers.firstIndex(of: waiting) else { return }
        drivers[driver] = .writing(event)
    }

    private func step(_ driver: Int, _ mistake: Mistake?, _ add: ((inout MoveWorld) -> Void) -> Void) {
        switch drivers[driver] {
        case .idle:
            guard move.isOpen, source != .gone else { return }
            add { world in
                // Looked at and written down at once, bound to what was seen.
                if case .note(let event) = move.deed(seeing: status) {
                    world.move = move.after(event, at: Self.date) ?? move
                } else {
                    world.drivers[driver] = .doing(move.deed(seeing: status))
                }
            }
        case .doing(let deed): perform(deed, driver, mistake, add)
        case .awaitsCreation, .awaitsPromise:
            // Nothing is heard for too long.
            let wasCreation = drivers[driver] == .awaitsCreation
            add { $0.drivers[driver] = wasCreation ? .writing(.refused("nothing")) : .idle }
        case .writing(let event):
            add { world in
                world.drivers[driver] = .idle
                guard source != .gone else { return }
                world.move = move.after(event, at: Self.date) ?? move
                if mistake == .promisesAreNotAskedFor, case .refused = event, world.move.phase == .withdrawing {
                    world.move = world.move.after(.withdrawn, at: Self.date) ?? world.move
                }
            }
        }
    }

    private func perform(
        _ deed: Move.Deed,
        _ driver: Int,
        _ mistake: Mistake?,
        _ add: ((inout MoveWorld) -> Void) -> Void
    ) {
        func write(_ event: Move.Event) { add { $0.drivers[driver] = .writing(event) } }
        switch deed {
        case .pause:
            add { world in
                if source == .running { world.source = .paused }
                if move.phase != .pausing { world.isPausedLate = true }
                world.drivers[driver] = .writing(.pauseAsked)
            }
        case .send:
            write(.sent(image: "i"))
            write(.givenUp("no"))
        case .reach:
            write(.offered)
            write(.givenUp("no"))
        case .create:
            add { world in
                world.creations = min(2, creations + 1)
                world.drivers[driver] = .awaitsCreation
                if mistake == .deletedTooEarly, source == .paused, move.source == .delete { world.source = .gone }
            }
        case .withdraw:
            add { world in
                world.withdrawals = min(2, withdrawals + 1)
                world.drivers[driver] = .awaitsPromise
            }
        case .resume:
            add { world in
                if source == .paused, !move.forbidsResume { world.source = .running }
                world.drivers[driver] = .writing(.resumeAsked)
            }
        case .delete:
            add { world in
                if move.phase == .leaving { world.source = .gone }
                world.drivers[driver] = .idle
            }
        case .wait, .note, .end: add { $0.drivers[driver] = .idle }
        }
    }
}
