// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

public import struct Foundation.Date

/// What is to be done about a freeze whose holder may be gone.
public enum FreezeRecoveryAction: Sendable, Hashable {
    /// Its deadline has passed, or it was being thawed: thaw.
    case thaw
    /// It may still be held: look again at its deadline, or adopt it.
    case leave(until: Date)
    /// It is sealed, so its artifact is durable and its compute is being released: kill.
    case finishKill
}

/// Finishes what holders have left behind on this node.
public struct FreezeRecovery: Sendable {
    /// One freeze that was found.
    public struct Found: Sendable {
        /// The freeze.
        public var record: FreezeRecord
        /// What was to be done.
        public var action: FreezeRecoveryAction
        /// Why it could not be done; nil if it was.
        public var failure: (any Error)?
    }

    private let client: ContainerdClient
    private let ledger: FreezeLedger

    /// Looks in the client's namespace.
    public init(client: ContainerdClient) {
        self.client = client
        self.ledger = FreezeLedger(client: client)
    }

    /// Decides what to do about a freeze. Pure.
    public static func recover(_ record: FreezeRecord, now: Date) -> FreezeRecoveryAction {
        switch record.outcome {
        case .sealed: .finishKill
        case .thawed: .thaw
        case nil: record.deadline <= now ? .thaw : .leave(until: record.deadline)
        }
    }

    /// All freezes that are written down.
    public func records() async throws -> [FreezeRecord] {
        try await ledger.records()
    }

    /// Carries out what `recover` decides, for every freeze that is written down.
    ///
    /// To be called when a process starts that owns the sandboxes of this namespace. Whoever does not (a Job on a
    /// Kubernetes node) calls `thaw` for the freezes that it is about, and leaves the sealed ones to the controller.
    ///
    /// - Returns: One entry a freeze; a failure of one does not keep the others from being recovered.
    public func recoverAll(now: Date) async throws -> [Found] {
        var all: [Found] = []
        for record in try await ledger.records() {
            let action = Self.recover(record, now: now)
            var found = Found(record: record, action: action)
            do {
                switch action {
                case .thaw: _ = try await thaw(record)
                case .leave: break
                case .finishKill: try await kill(record)
                }
            } catch {
                found.failure = error
            }
            all.append(found)
        }
        try await ledger.removeOrphanedOutcomes()
        return all
    }

    /// Thaws now, whatever the deadline, unless the freeze is sealed.
    ///
    /// - Returns: What the freeze came to. A sealed one is left as it is.
    public func thaw(_ record: FreezeRecord) async throws -> FreezeOutcome {
        let (client, ledger) = (client, ledger)
        return try await uncancelled {
            guard try await ledger.decide(.thawed, of: record.id) == .thawed else { return .sealed }
            try await FrozenTasks(client: client, containers: record.containers).thaw()
            try await ledger.remove(record.id)
            return .thawed
        }
    }

    /// Kills what a sealed freeze has frozen, without letting it run one more instruction.
    ///
    /// - Throws: `notSealed` if it is not sealed.
    public func kill(_ record: FreezeRecord) async throws {
        let (client, ledger) = (client, ledger)
        try await uncancelled {
            guard try await ledger.records().first(where: { $0.id == record.id })?.isSealed == true else {
                throw FreezeError.notSealed(id: record.id)
            }
            try await FrozenTasks(client: client, containers: record.containers).kill()
            try await ledger.remove(record.id)
        }
    }
}
