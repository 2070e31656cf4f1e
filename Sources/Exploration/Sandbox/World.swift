// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import SandboxModels

/// One state of everything around and inside the machine of one sandbox.
///
/// Attempts are known by their numbers (0: none); an artifact has the number of the capture that made it.
struct World: ExploredWorld {
    // The owner.
    var wish = Wish.running.code
    var generation: UInt8 = 1

    // What was spent of the budgets.
    var intents: UInt8 = 0
    var writes: UInt8 = 0
    var faults: UInt8 = 0

    // Time, as far as anything depends on it.
    var lateness = Lateness.inTime
    var pauseAt = Timer.none
    var expireAt = Timer.none
    var expiresWhilePaused: UInt8 = 1
    /// Where time stands to the end of a sandbox that has failed.
    var failureEnds = Timer.none
    /// How many dates were stated anew; those of `pauseAt` apart, because each acts once.
    var renewals: UInt8 = 0
    var pauseTimes: UInt8 = 0

    // The node.
    var compute = Compute()
    var captures = (Capture(), Capture(), Capture())

    // The machine: its record by the number that `Machine` gave it, and what its present process has seen.
    var recordLow: UInt8 = 0
    var recordHigh: UInt8 = 0
    var seenCompute = ComputeState.unknown
    var seenComputeNumber: UInt8 = 0
    var seenCapture: UInt8 = 0
    var seenProgress = Progress.none
    var seenHold = Hold.none
    var verifiedAttempt: UInt8 = 0
    var verifiedOutcome = Outcome.none

    // Actions still to be carried out, next one first, and one that a dead process has sent and that may yet arrive.
    var todo: (UInt8, UInt8, UInt8, UInt8, UInt8, UInt8) = (0, 0, 0, 0, 0, 0)
    var ghost: UInt8 = 0

    // A snapshot that the owner asked for.
    var snapshot = Snapshot()
    var snapshotIsUnwanted: UInt8 = 0
    /// What the sandbox's process has seen of it.
    var seenSnapshot = SeenSnapshot.unknown

    // Filled up to a multiple of eight bytes.
    private var padding: (UInt8, UInt8, UInt8, UInt8) = (0, 0, 0, 0)

    /// Where time stands to the deadline of the newest capture.
    enum Lateness: UInt8 { case inTime, deadlinePassed, gracePassed }
    /// Where time stands to a timer of the intent.
    enum Timer: UInt8 { case none, upcoming, due }
    enum ComputeState: UInt8 { case absent, starting, running, ended, stopping, unknown }
    enum Progress: UInt8 { case none, started, frozen, captured, pushed, succeeded, failed }
    /// `gone`: the holder and its node no longer answer, for ever.
    enum Hold: UInt8 { case none, held, sealed, thawed, gone }
    enum Stored: UInt8 { case no, yes, lost, deleted }
    enum Outcome: UInt8 { case none, verified, missing }

    enum SeenSnapshot: UInt8 { case unknown, none, wanted }

    struct Snapshot: Hashable {
        /// The record, by the number that `SnapshotMachine` gave it. 0: nobody has asked for a snapshot yet.
        var record: UInt8 = 0
        var progress = Progress.none
        var hasFrozen: UInt8 = 0
        var isEnded: UInt8 = 0
        var stored = Stored.no
        var wasVerified: UInt8 = 0
        // What its process has seen.
        var seenTurn = Turn.unknown
        var seenProgress = Progress.none
        var verified = Outcome.none

        enum Turn: UInt8 { case unknown, waiting, granted, refused }
    }

    struct Compute {
        var state = ComputeState.absent
        var number: UInt8 = 0
        /// The capture that froze it.
        var frozenBy: UInt8 = 0
        /// 1: it is being deleted, and a frozen one is thawed for that; 2: it is killed while frozen.
        var deleting: UInt8 = 0
        /// The number of the last write in its filesystem.
        var work: UInt8 = 0
    }

    struct Capture {
        var number: UInt8 = 0
        /// The compute that it captures.
        var target: UInt8 = 0
        var progress = Progress.none
        var hold = Hold.none
        /// The last write that it captured.
        var content: UInt8 = 0
        var stored = Stored.no
        var wasVerified: UInt8 = 0
        var isForgotten: UInt8 = 0
    }
}

extension World {
    var record: Int {
        get { Int(recordHigh) << 8 | Int(recordLow) }
        set {
            recordLow = UInt8(truncatingIfNeeded: newValue)
            recordHigh = UInt8(truncatingIfNeeded: newValue >> 8)
        }
    }

    /// The capture of this number; one that was never begun if there is none.
    subscript(capture number: UInt8) -> Capture {
        get {
            if captures.0.number == number { return captures.0 }
            if captures.1.number == number { return captures.1 }
            if captures.2.number == number { return captures.2 }
            return Capture()
        }
        set {
            if captures.0.number == number {
                captures.0 = newValue
            } else if captures.1.number == number {
                captures.1 = newValue
            } else if captures.2.number == number {
                captures.2 = newValue
            }
        }
    }

    /// Makes room for a capture. False if the world has had as many as it can.
    mutating func begin(capture number: UInt8) -> Bool {
        if self[capture: number].number == number { return true }
        guard captures.2.number == 0 else { return false }
        var capture = Capture()
        capture.number = number
        capture.target = compute.number
        if captures.0.number == 0 {
            captures.0 = capture
        } else if captures.1.number == 0 {
            captures.1 = capture
        } else {
            captures.2 = capture
        }
        return true
    }

    /// The capture that was begun last.
    var newest: UInt8 {
        max(captures.0.number, captures.1.number, captures.2.number)
    }

    /// Whether the sandbox's program can do anything.
    var runs: Bool {
        compute.state == .running && compute.frozenBy == 0
    }

    /// Takes the next action to carry out off the list.
    mutating func takeAction() -> UInt8 {
        let first = todo.0
        todo = (todo.1, todo.2, todo.3, todo.4, todo.5, 0)
        return first
    }
}

extension Wish {
    var code: UInt8 {
        switch self {
        case .running: 0
        case .paused: 1
        case .deleted: 2
        }
    }
}
