// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

public import struct Foundation.Date

/// What a freeze came to. There is exactly one for each freeze, and it is persisted before it is answered.
public enum FreezeOutcome: String, Sendable, Hashable, Codable {
    /// The point of no return: the containers are never thawed again, only killed.
    case sealed
    /// The containers run again, or are about to.
    case thawed
}

/// What is written down before anything is frozen, so that whoever comes after a crash can undo it.
public struct FreezeRecord: Sendable, Hashable {
    /// The longest ID.
    static let longestID = 64

    /// Names this freeze, 1 to 64 of `A-Z a-z 0-9 . _ -`; usually the capture's UID.
    public var id: String
    /// The IDs of the containers that are frozen.
    public var containers: [String]
    /// When the holder thaws by itself, to the millisecond.
    public var deadline: Date
    /// Who froze, for people.
    public var owner: String
    /// What it came to, if that is decided.
    public var outcome: FreezeOutcome?

    /// Whether the point of no return has passed.
    public var isSealed: Bool { outcome == .sealed }

    /// Creates a record from its values.
    public init(
        id: String,
        containers: [String],
        deadline: Date,
        owner: String,
        outcome: FreezeOutcome? = nil
    ) {
        self.id = id
        self.containers = containers
        self.deadline = Date(timeIntervalSince1970: (deadline.timeIntervalSince1970 * 1000).rounded() / 1000)
        self.owner = owner
        self.outcome = outcome
    }
}

extension FreezeRecord {
    /// The label that every record's lease has; its value is the record's ID.
    static let idLabel = "stasis.dev/freeze"
    /// The label that every outcome's lease has; its value is the record's ID.
    static let outcomeOfLabel = "stasis.dev/freeze-outcome-of"
    private static let deadlineLabel = "stasis.dev/freeze-deadline"
    private static let ownerLabel = "stasis.dev/freeze-owner"
    private static let outcomeLabel = "stasis.dev/freeze-outcome"
    private static let containerLabelPrefix = "stasis.dev/freeze-container."

    static func leaseID(_ id: String) -> String { "stasis-freeze-\(id)" }

    /// Everything but the outcome, as labels: the deadline in milliseconds since 1970.
    var labels: [String: String] {
        var labels = [
            Self.idLabel: id,
            Self.deadlineLabel: String(Int64((deadline.timeIntervalSince1970 * 1000).rounded())),
            Self.ownerLabel: owner,
        ]
        for (index, container) in containers.enumerated() {
            labels[Self.containerLabelPrefix + String(index)] = container
        }
        return labels
    }

    /// The record that a lease's labels hold; nil if they are not a record's.
    init?(labels: [String: String]) {
        guard let id = labels[Self.idLabel],
            let milliseconds = labels[Self.deadlineLabel].flatMap(Int64.init)
        else { return nil }
        var containers: [String] = []
        while let container = labels[Self.containerLabelPrefix + String(containers.count)] {
            containers.append(container)
        }
        self.init(
            id: id,
            containers: containers,
            deadline: Date(timeIntervalSince1970: Double(milliseconds) / 1000),
            owner: labels[Self.ownerLabel] ?? ""
        )
    }

    static func outcomeLeaseID(_ id: String) -> String { "stasis-freeze-\(id)-outcome" }

    static func outcomeLabels(_ outcome: FreezeOutcome, of id: String) -> [String: String] {
        [outcomeOfLabel: id, outcomeLabel: outcome.rawValue]
    }

    /// The outcome that a lease's labels hold, and of which record; nil if they are not an outcome's.
    static func outcome(labels: [String: String]) -> (id: String, outcome: FreezeOutcome)? {
        guard let id = labels[outcomeOfLabel], let outcome = labels[outcomeLabel].flatMap(FreezeOutcome.init) else {
            return nil
        }
        return (id, outcome)
    }
}
