// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import SandboxModels

import struct Foundation.Date

/// `Lifecycle.decide` of one snapshot for small numbers.
final class SnapshotMachine {
    struct Outcome {
        var record: Int
        var actions: [SnapshotAction]
        var violation: Violation?
    }

    /// The uid of the only snapshot, and the number by which its capture is known: no capture of a pause gets that far.
    static let number: UInt8 = 15
    static let uid = Names.uid(number)

    let mutation: SnapshotMutation?
    /// The first one stands for a snapshot that nobody asked for yet.
    private(set) var records: [SnapshotRecord]
    private var numbers: [SnapshotRecord: Int] = [:]
    private var outcomes: [Key: Outcome] = [:]

    private struct Key: Hashable {
        var snapshot: World.Snapshot
        var isWanted: Bool
        var lateness: World.Lateness
    }

    init(mutation: SnapshotMutation? = nil) {
        self.mutation = mutation
        records = [SnapshotRecord(uid: "", now: Moment.start)]
        _ = number(of: SnapshotRecord(uid: Self.uid, now: Moment.start))
    }

    func decide(in world: World) -> Outcome {
        let key = Key(snapshot: world.snapshot, isWanted: world.snapshotIsUnwanted == 0, lateness: world.lateness)
        if let outcome = outcomes[key] { return outcome }
        let plain = SnapshotObservation(world.snapshot)
        let observation = mutation?.distort(plain) ?? plain
        let decide: (SnapshotRecord, Date) -> SnapshotDecision = { [mutation] record, now in
            let decision = Lifecycle.decide(
                isWanted: key.isWanted,
                recorded: record,
                observation: observation,
                now: now
            )
            return mutation?.distort(decision) ?? decision
        }
        let now = Moment.present(world.lateness)
        let decision = decide(records[Int(world.snapshot.record)], now)
        let outcome = Outcome(
            record: number(of: decision.record.normalized),
            actions: decision.actions,
            violation: violation(of: decision, now, again: decide)
        )
        outcomes[key] = outcome
        return outcome
    }

    private func violation(
        of decision: SnapshotDecision,
        _ now: Date,
        again: (SnapshotRecord, Date) -> SnapshotDecision
    ) -> Violation? {
        let second = again(decision.record, now)
        guard second.record == decision.record, second.actions == decision.actions else {
            return Violation(.seven, "deciding again gives \(second.record) \(second.actions)")
        }
        for moment in Moment.all where moment > now && moment < decision.wakeAt ?? .distantFuture {
            guard again(decision.record, moment) == decision else {
                return Violation(.eight, "the decision changes at \(moment), before it is to be made again")
            }
        }
        return nil
    }

    private func number(of record: SnapshotRecord) -> Int {
        if let number = numbers[record] { return number }
        let number = records.count
        precondition(number < 256, "the records of this exploration fit one byte")
        records.append(record)
        numbers[record] = number
        return number
    }
}

extension SnapshotRecord {
    fileprivate var normalized: SnapshotRecord {
        var record = self
        record.since = Moment.start
        if case .capturing = phase { record.phase = .capturing(until: Moment.deadline) }
        return record
    }
}

extension SnapshotObservation {
    fileprivate init(_ snapshot: World.Snapshot) {
        self.init(
            turn: snapshot.seenTurn.seen,
            isCaptureEnded: snapshot.seenProgress == .none && snapshot.isEnded == 1,
            isArtifactGone: snapshot.stored == .deleted
        )
        progress = snapshot.seenProgress.seen(SnapshotMachine.number)
        switch snapshot.verified {
        case .none: break
        case .verified: verification = .verified
        case .missing: verification = .missing(Problem("ArtifactMissing", "It is not there."))
        }
    }
}

extension World.Snapshot.Turn {
    fileprivate var seen: SnapshotObservation.Turn {
        switch self {
        case .unknown: .unknown
        case .waiting: .waiting
        case .granted: .granted
        case .refused: .refused(Problem("SourceNotRunning", "It does not run."))
        }
    }

    init(_ turn: SnapshotObservation.Turn) {
        switch turn {
        case .unknown: self = .unknown
        case .waiting: self = .waiting
        case .granted: self = .granted
        case .refused: self = .refused
        }
    }
}
