// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import SandboxModels

/// Two replicas, each with a world of its own.
///
/// The owner, the number of the record, and what was spent are those of `left`; faults and the clock are the same in both.
struct AggregateWorld: ExploredWorld {
    var left = World()
    var right = World()

    subscript(side: Side) -> World {
        get { side == .left ? left : right }
        set {
            switch side {
            case .left:
                left = newValue
                right.faults = newValue.faults
                right.lateness = newValue.lateness
            case .right:
                right = newValue
                left.faults = newValue.faults
                left.lateness = newValue.lateness
            }
        }
    }
}

/// Which of the two replicas.
enum Side: UInt8, CaseIterable {
    case left, right
}

/// What can happen to one of the replicas, or to the whole.
struct AggregateEvent: RawRepresentable, CaseIterable, Hashable, CustomStringConvertible {
    var event: Event
    /// That of the whole is `left`.
    var side: Side

    init(_ event: Event, _ side: Side = .left) {
        self.event = event
        self.side = side
    }

    init?(rawValue: UInt8) {
        guard let event = Event(rawValue: rawValue >> 1), let side = Side(rawValue: rawValue & 1) else { return nil }
        self.init(event, side)
    }

    var rawValue: UInt8 { event.rawValue << 1 | side.rawValue }

    var description: String { isOfOne ? "\(event) (\(side))" : "\(event)" }

    /// Left out is what one machine alone was explored with and no other one sees: late and lost actions, snapshots.
    static let allCases: [AggregateEvent] = Event.allCases.flatMap { event -> [AggregateEvent] in
        switch event {
        case .ownerRenews, .ownerMovesPauseTime, .failureTimerFires, .actionIsLost, .controllerDiesSending,
            .lateActionArrives, .committerVanishes, .resultIsLost, .ownerWantsSnapshot, .ownerDeletesSnapshot,
            .snapshotProceeds, .snapshotFails, .snapshotVanishes, .snapshotThawsAtDeadline, .snapshotSees,
            .snapshotDecides, .snapshotDiesDeciding, .sandboxSeesSnapshot:
            []
        default:
            AggregateEvent(event).isOfOne ? Side.allCases.map { AggregateEvent(event, $0) } : [AggregateEvent(event)]
        }
    }

    /// Whether it happens to one replica.
    private var isOfOne: Bool {
        switch event {
        case .ownerWantsRunning, .ownerWantsPaused, .ownerWantsDeleted, .pauseTimerFires, .expiryTimerFires,
            .deadlinePasses, .gracePasses, .controllerDecides, .controllerDies:
            false
        default:
            true
        }
    }
}
