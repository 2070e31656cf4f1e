// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import SandboxModels
import Testing

import class Foundation.JSONDecoder
import class Foundation.JSONEncoder
import class Foundation.ProcessInfo

/// Everything that can happen to a move within a budget of faults: servers that are killed, answers that are lost, requests that
/// come late, two who carry it out at once, and somebody who calls it off. `STASIS_MOVE_FAULTS` is the budget, 1 by default.
@Suite struct MoveExplorationTests {
    /// What an exploration has found.
    struct Found {
        var worlds = 0
        var violation: String?
        var ends: Set<Move.Phase> = []
    }

    /// Walks through every world that can be reached, and looks that each of them can settle.
    private static func explore(_ start: MoveWorld, _ mistake: MoveWorld.Mistake? = nil) -> Found {
        var found = Found()
        var index: [MoveWorld: Int] = [start: 0]
        var worlds = [start]
        var parents: [[Int]] = [[]]
        var settled: [Int] = []
        var head = 0
        while head < worlds.count {
            let world = worlds[head]
            if let violation = world.violation {
                found.violation = "\(violation): \(world)"
                return found
            }
            if world.isSettled {
                settled.append(head)
                found.ends.insert(world.source == .gone ? .leaving : world.move.phase)
                if let failing = world.failing {
                    found.violation = "\(failing) at the end: \(world)"
                    return found
                }
            }
            for next in world.next(mistake) where next != world {
                if let known = index[next] {
                    parents[known].append(head)
                } else {
                    index[next] = worlds.count
                    worlds.append(next)
                    parents.append([head])
                }
            }
            head += 1
        }
        found.worlds = worlds.count
        // From everywhere there is a way to an end.
        var reaches = [Bool](repeating: false, count: worlds.count)
        var pending = settled
        for world in settled { reaches[world] = true }
        while let world = pending.popLast() {
            for parent in parents[world] where !reaches[parent] {
                reaches[parent] = true
                pending.append(parent)
            }
        }
        if let stuck = reaches.firstIndex(of: false) { found.violation = "it never ends: \(worlds[stuck])" }
        return found
    }

    @Test(arguments: Move.Source.allCases, [true, false])
    func theLawsHold(source: Move.Source, wasRunning: Bool) {
        let budget = ProcessInfo.processInfo.environment["STASIS_MOVE_FAULTS"].flatMap { Int($0) } ?? 1
        let found = Self.explore(MoveWorld(source: source, wasRunning: wasRunning, faults: budget))
        #expect(found.violation == nil)
        #expect(found.worlds > 1000)
        let good: Move.Phase = source == .delete ? .leaving : .moved
        #expect(found.ends == [good, .failed, .cancelled])
    }

    @Test(arguments: MoveWorld.Mistake.allCases)
    func aMistakeIsFound(mistake: MoveWorld.Mistake) {
        #expect(Self.explore(MoveWorld(source: .delete, wasRunning: true), mistake).violation != nil)
    }

    @Test func whatIsWrittenIsRead() throws {
        var move = MoveWorld(source: .delete, wasRunning: true).move
        for event: Move.Event in [.pauseAsked, .paused, .sent(image: "r/x@sha256:0"), .offered] {
            move = try #require(move.after(event, at: MoveWorld.date))
        }
        #expect(move.phase == .arriving && move.mayRunThere && move.forbidsResume)
        #expect(move.after(.paused, at: MoveWorld.date) == nil, "what is old changes nothing")
        move = try #require(move.after(.hindered("slow"), at: MoveWorld.date))
        #expect(move.problem == "slow" && move.phase == .arriving)
        move.holder = Move.Holder(name: "n", until: MoveWorld.date)
        let data = try JSONEncoder().encode(move)
        #expect(try JSONDecoder().decode(Move.self, from: data) == move)
    }

    @Test func aPauseThatFailsEndsIt() {
        var move = MoveWorld(source: .delete, wasRunning: true).move
        var status = SandboxStatus(state: .running, lastTransitionAt: MoveWorld.date)
        #expect(move.deed(seeing: status) == .pause)
        move.pauseAskedAt = MoveWorld.date
        status.reason = "PAUSE_FAILED"
        status.message = "no space"
        #expect(move.deed(seeing: status) == .note(.givenUp("It could not be paused: no space")))
        status.state = .failed
        #expect(move.deed(seeing: status) == .note(.givenUp("It cannot be paused, because it is Failed.")))
    }
}
