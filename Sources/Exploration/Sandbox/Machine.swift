// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import SandboxModels

import struct Foundation.Date

/// `Lifecycle.decide` for small numbers: every record and every decision is kept, so that each is made once.
final class Machine {
    /// What was decided, in the world's terms.
    struct Outcome {
        var record: Int
        var actions: [UInt8]
        /// What is wrong with the decision by itself, whatever the world is like.
        var violation: Violation?
    }

    let mutation: Mutation?
    private(set) var records: [Recorded] = []
    private var numbers: [Recorded: Int] = [:]
    private var outcomes: [Key: Outcome] = [:]

    /// How many different inputs were decided on.
    var decisions: Int { outcomes.count }

    private struct Key: Hashable {
        var record: UInt16
        var intent: UInt64
        var seen: UInt64
    }

    init(mutation: Mutation? = nil) {
        self.mutation = mutation
        _ = number(of: Recorded(identity: Names.identity, now: Moment.start))
    }

    /// Decides in a world, from what its controller has seen.
    func decide(in world: World) -> Outcome {
        let key = Key(
            record: UInt16(world.record),
            intent: world.stated,
            seen: world.seen
        )
        if let outcome = outcomes[key] { return outcome }
        let outcome = think(in: world)
        outcomes[key] = outcome
        return outcome
    }

    private func think(in world: World) -> Outcome {
        let intent = Intent(world)
        let recorded = records[world.record]
        let now = Moment.present(world.lateness)
        let plain = Observation(world, cleaned: recorded.leftovers(cleanedIn: world))
        let observation = mutation?.distort(plain, recorded) ?? plain
        let decide: (Recorded, Date) -> Decision = { [mutation] record, now in
            let intended = mutation?.distort(intent) ?? intent
            let decision = Lifecycle.decide(intent: intended, recorded: record, observation: observation, now: now)
            return mutation?.distort(decision, from: record, intent) ?? decision
        }
        let decision = decide(recorded, now)
        return Outcome(
            record: number(of: decision.record.normalized),
            actions: decision.actions.map { ActionCode($0).byte },
            violation: Law.violation(of: decision, from: recorded, intent, now, again: decide)
        )
    }

    private func number(of record: Recorded) -> Int {
        if let number = numbers[record] { return number }
        let number = records.count
        records.append(record)
        numbers[record] = number
        return number
    }
}

extension World {
    /// What the owner and the clock say, as one number.
    var stated: UInt64 {
        let low = UInt64(pauseAt.rawValue) << 24 | UInt64(expireAt.rawValue) << 16
        let lower = UInt64(expiresWhilePaused << 4 | failureEnds.rawValue) << 8 | UInt64(pauseTimes)
        return UInt64(wish) << 48 | UInt64(generation) << 40 | UInt64(lateness.rawValue) << 32 | low | lower
    }

    /// What the machine's process has seen, as one number.
    var seen: UInt64 {
        let compute = UInt64(seenCompute.rawValue << 4 | seenComputeNumber)
        let capture = UInt64(seenCapture) << 8 | UInt64(seenProgress.rawValue << 4 | seenHold.rawValue)
        let verified = UInt64(verifiedAttempt << 4 | verifiedOutcome.rawValue)
        return UInt64(seenSnapshot.rawValue) << 48 | compute << 32 | capture << 16 | verified << 8 | UInt64(cleaned)
    }

    /// Which captures are forgotten and which artifacts deleted.
    private var cleaned: UInt8 {
        captures.0.cleaned << 4 | captures.1.cleaned << 2 | captures.2.cleaned
    }
}

extension World.Capture {
    fileprivate var cleaned: UInt8 { isForgotten << 1 | (stored == .deleted ? 1 : 0) }
}

extension Recorded {
    /// The leftovers that the world shows to be gone.
    func leftovers(cleanedIn world: World) -> Set<Leftover> {
        Set(
            leftovers.filter { leftover in
                switch leftover {
                case .capture(let uid): world[capture: UInt8(Names.number(uid: uid))].isForgotten == 1
                case .artifact(let artifact): world[capture: UInt8(Names.number(artifact))].stored == .deleted
                }
            }
        )
    }
}

/// The few moments that matter. Every capture is as if it had begun at the same one.
enum Moment {
    static let policy = LifecyclePolicy()
    static let start = Date(timeIntervalSinceReferenceDate: 0)
    static let deadline = start.addingTimeInterval(policy.captureTimeout)
    static let endOfGrace = deadline.addingTimeInterval(policy.thawGrace)
    static let past = start.addingTimeInterval(-1)
    static let future = start.addingTimeInterval(100_000)

    static func present(_ lateness: World.Lateness) -> Date {
        switch lateness {
        case .inTime: start
        case .deadlinePassed: deadline
        case .gracePassed: endOfGrace
        }
    }
}

extension Recorded {
    /// The record as if it had been written at the start of time, with the deadline that belongs to that.
    var normalized: Recorded {
        var record = self
        record.since = Moment.start
        switch record.phase {
        case .pausing(var capture):
            capture.deadline = Moment.deadline
            record.phase = .pausing(capture)
        case .sealing(var capture, let artifact):
            capture.deadline = Moment.deadline
            record.phase = .sealing(capture, artifact: artifact)
        case .releasing(var capture, let artifact):
            capture.deadline = Moment.deadline
            record.phase = .releasing(capture, artifact: artifact)
        case .thawing(var capture, let problem, let artifact):
            capture.deadline = Moment.deadline
            record.phase = .thawing(capture, because: problem, artifact: artifact)
        case .pending, .running, .paused, .resuming, .failed, .deleting, .deleted:
            break
        }
        return record
    }
}

extension Intent {
    init(_ world: World) {
        var timers = Timers(expiresWhilePaused: world.expiresWhilePaused == 1)
        timers.pauseAt = Self.date(world.pauseAt)?.addingTimeInterval(-Double(world.pauseTimes) / 100)
        timers.expireAt = Self.date(world.expireAt)
        timers.deleteAfterFailure = Self.date(world.failureEnds).map { max(0, $0.timeIntervalSince(Moment.start)) }
        let wish = Wish.allCases.first { $0.code == world.wish } ?? .running
        self.init(wish: wish, generation: Int(world.generation), timers: timers)
    }

    private static func date(_ timer: World.Timer) -> Date? {
        switch timer {
        case .none: nil
        case .upcoming: Moment.future
        case .due: Moment.past
        }
    }
}

extension Observation {
    init(_ world: World, of identity: String = Names.identity, cleaned: Set<Leftover>) {
        self.init(cleaned: cleaned)
        let number = Int(world.seenComputeNumber)
        compute =
            switch world.seenCompute {
            case .unknown: .unknown
            case .absent: .absent
            case .starting: .starting(number)
            case .running: .running(number)
            case .stopping: .stopping(number)
            case .ended: .ended(number, Problem("Ended", "It ended."))
            }
        if world.seenCapture != 0 {
            capture = Capture(
                uid: Names.uid(world.seenCapture, of: identity),
                progress: world.seenProgress.seen(world.seenCapture),
                hold: world.seenHold.seen
            )
        }
        switch world.seenSnapshot {
        case .unknown: break
        case .none: checkpoint = Checkpoint.none
        case .wanted: checkpoint = .wanted(SnapshotMachine.uid)
        }
        switch world.verifiedOutcome {
        case .none: break
        case .verified: verification = Verification(attempt: Int(world.verifiedAttempt), outcome: .verified)
        case .missing:
            let problem = Problem("ArtifactMissing", "It is not there.")
            verification = Verification(attempt: Int(world.verifiedAttempt), outcome: .missing(problem))
        }
    }
}

extension World.Progress {
    func seen(_ number: UInt8) -> Observation.Capture.Progress {
        switch self {
        case .none: .none
        case .started, .frozen, .captured, .pushed: .active
        case .succeeded: .succeeded(Names.artifact(number))
        case .failed: .failed(Problem("CommitFailed", "It failed."))
        }
    }
}

extension World.Hold {
    var seen: Observation.Capture.Hold {
        switch self {
        case .none, .gone: .unknown
        case .held: .held
        case .sealed: .sealed
        case .thawed: .thawed
        }
    }
}
