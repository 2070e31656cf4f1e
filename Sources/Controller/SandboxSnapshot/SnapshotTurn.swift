// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import SandboxModels

/// Whether it is the turn of a snapshot, and what it waits for otherwise.
struct SnapshotTurn: Hashable {
    /// What the state machine is told.
    var turn: SnapshotObservation.Turn
    /// What people are told while it waits, as the end of "waiting: ".
    var reason: String?

    /// It is its turn.
    static let granted = SnapshotTurn(turn: .granted)

    /// It is not its turn yet.
    static func waiting(_ reason: String) -> SnapshotTurn { SnapshotTurn(turn: .waiting, reason: reason) }

    /// There will be none.
    static func refused(_ problem: Problem) -> SnapshotTurn { SnapshotTurn(turn: .refused(problem)) }

    /// How far it is, for people.
    var progress: CaptureProgress? { reason.map { .words("waiting", "waiting: \($0)") } }

    /// What the record of its sandbox says.
    ///
    /// - Parameters:
    ///   - uid: The snapshot's.
    ///   - record: What is written down of the sandbox; nil if nothing is yet.
    ///   - replicas: How many replicas the sandbox is to have.
    init(of uid: String, in record: AggregateRecord?, replicas: Int) {
        guard replicas > 0 else {
            self = .refused(.sourceGone("The sandbox has no replicas"))
            return
        }
        guard let member = record?.member(forSnapshot: uid)?.recorded else {
            self = .waiting("the sandbox is being made")
            return
        }
        self.init(turn: member.turn(of: uid))
        switch (turn, member.phase) {
        case (.refused, .paused): turn = .refused(.sandboxPaused(member.artifact))
        case (.refused, .failed): turn = .refused(.sourceGone("The sandbox has failed"))
        case (.refused, _): turn = .refused(.sourceGone("The sandbox is deleted"))
        case (.waiting, .pending): reason = "the sandbox is starting"
        case (.waiting, .resuming): reason = "the sandbox is being resumed"
        case (.waiting, .running):
            reason =
                member.checkpoint == nil
                ? "it is about to begin" : "another snapshot of the sandbox is being taken"
        case (.waiting, _): reason = "the sandbox is being paused"
        default: break
        }
    }

    private init(turn: SnapshotObservation.Turn, reason: String? = nil) {
        self.turn = turn
        self.reason = reason
    }
}

extension AggregateRecord {
    /// The replica that a snapshot is of: the one that has given it its turn, else the first that runs, else the first.
    func member(forSnapshot uid: String) -> Member? {
        replicas.first { $0.recorded.checkpoint == uid }
            ?? replicas.first { $0.recorded.phase == .running }
            ?? replicas.first
    }
}

extension Problem {
    /// Nothing runs that could be captured.
    static func sourceGone(_ what: String) -> Problem {
        Problem(
            SandboxSnapshotCondition.Reason.sourcePodNotFound,
            "\(what), so it has no pod that could be captured. Have it run, then take another snapshot."
        )
    }

    /// What is asked for is in the registry already.
    fileprivate static func sandboxPaused(_ artifact: Artifact?) -> Problem {
        let images = (artifact?.parts ?? []).map { "\($0.container) is \($0.reference)@\($0.digest)" }
        let stored = images.isEmpty ? "" : ": \(images.joined(separator: ", "))"
        return Problem(
            "SandboxPaused",
            "The sandbox is paused, so its state is in the registry already\(stored). Use that digest, or resume the sandbox "
                + "and take another snapshot."
        )
    }
}
