// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Logging

/// Ends freezes whose holder may be gone, or beside one that is still at it: the ledger decides, and what is done twice
/// does no harm.
public struct FreezeRecovery: Sendable {
    private let client: ContainerdClient
    private let ledger: FreezeLedger

    /// Looks in the client's namespace.
    public init(client: ContainerdClient) {
        self.client = client
        self.ledger = FreezeLedger(client: client)
    }

    /// All freezes that are written down.
    public func records() async throws -> [FreezeRecord] {
        try await ledger.records()
    }

    /// Thaws everything that is not sealed, whatever the deadlines.
    ///
    /// To be called when a process starts that owns the sandboxes of this namespace: nobody is left who could seal what an
    /// earlier process had frozen. Whoever does not own them (a Job on a Kubernetes node) calls `thaw` for the freezes that
    /// it is about.
    ///
    /// - Returns: The freezes that are sealed. They are left as they are: whoever has decided to release their compute
    ///   kills them, once that is written down.
    /// - Throws: What kept a freeze from being thawed, after trying all.
    public func thawUnsealed() async throws -> [FreezeRecord] {
        let records = try await ledger.records()
        let ends = await withTaskGroup(of: (FreezeRecord, Result<FreezeOutcome, any Error>).self) { group in
            for record in records {
                group.addTask {
                    do {
                        return (record, .success(try await thaw(record)))
                    } catch {
                        return (record, .failure(error))
                    }
                }
            }
            return await group.reduce(into: []) { $0.append($1) }
        }
        let sealed = try ends.filter { try $0.1.get() == .sealed }.map(\.0)
        try await ledger.removeOrphanedOutcomes()
        return sealed
    }

    /// Thaws now, whatever the deadline, unless the freeze is sealed.
    ///
    /// - Returns: What the freeze came to. A sealed one is left as it is.
    public func thaw(_ record: FreezeRecord) async throws -> FreezeOutcome {
        try await uncancelled {
            var isOurs = false
            return try await thawOnce(record.id, record.containers, isOurs: &isOurs, lookAgain: false) {}
        }
    }

    /// Kills what a sealed freeze has frozen, without letting it run one more instruction. Done already if the freeze is
    /// over.
    ///
    /// - Throws: `notSealed` if it is not sealed.
    public func kill(_ id: String) async throws {
        let (client, ledger) = (client, ledger)
        try await uncancelled {
            guard let record = try await ledger.records().first(where: { $0.id == id }) else {
                // Whoever ended it may have died before the outcome, too, was deleted.
                return try await ledger.remove(id)
            }
            guard record.isSealed else { throw FreezeError.notSealed(id: id) }
            try await FrozenTasks(client: client, containers: record.containers).kill()
            try await ledger.remove(id)
        }
    }
}

extension FreezeRecovery {
    /// How long a call to freeze whose answer was lost may still be on its way.
    private static let lostCall = Duration.seconds(5)
    /// How long somebody else who has decided to thaw is waited for. It takes them milliseconds; who has not done it by then
    /// is dead, or containerd is.
    private static let turn = Duration.seconds(15)

    /// What became of a freeze.
    struct Ending: Sendable {
        /// What it came to.
        var outcome: FreezeOutcome
        /// Whether nothing of it is written down any more, if it was thawed.
        var isForgotten = true
    }

    /// Thaws, as often as it takes, whether the calling task is cancelled or not: giving up would leave a sandbox frozen.
    ///
    /// - Parameters:
    ///   - id: The freeze's ID.
    ///   - containers: Its containers.
    ///   - lookAgain: Whether a call to freeze may still be on its way.
    ///   - canBeSealed: Whether somebody may yet seal the freeze.
    ///   - thawed: Called when nothing is frozen any more; the record is removed after that.
    func thawPersistently(
        _ id: String,
        _ containers: [String],
        lookAgain: Bool,
        canBeSealed: @escaping @Sendable () async -> Bool,
        thawed: @escaping @Sendable () async -> Void
    ) async -> Ending {
        await uncancelled {
            // Nobody cancels this task, so there is an outcome.
            await thawUntilCancelled(
                id,
                containers,
                lookAgain: lookAgain,
                canBeSealed: canBeSealed,
                thawed: thawed
            ) ?? Ending(outcome: .thawed)
        }
    }

    /// The same, until the task is cancelled.
    ///
    /// When containerd cannot write down that it is to be thawed, because its disk is full, and nobody can seal it any more,
    /// it is thawed all the same: a deadline does not wait for room on a disk. The record is then left to be removed.
    ///
    /// - Parameter isAlone: Whether it is known that nobody else thaws.
    /// - Returns: What became of the freeze; nil if the task was cancelled before anything did.
    func thawUntilCancelled(
        _ id: String,
        _ containers: [String],
        isAlone: Bool = false,
        lookAgain: Bool,
        canBeSealed: @escaping @Sendable () async -> Bool = { true },
        thawed: @escaping @Sendable () async -> Void = {}
    ) async -> Ending? {
        var pause = Duration.milliseconds(50)
        var isOurs = isAlone
        while !Task.isCancelled {
            do {
                return Ending(
                    outcome: try await thawOnce(id, containers, isOurs: &isOurs, lookAgain: lookAgain, thawed: thawed)
                )
            } catch {
                client.logger.error(
                    "A freeze cannot be ended yet",
                    metadata: ["freeze": "\(id)", "error": "\(error)"]
                )
                if let error = error as? ContainerdError, error.saysThatDiskIsFull, await !canBeSealed(),
                    (try? await thawUnwritten(id, containers)) == true
                {
                    await thawed()
                    return Ending(outcome: .thawed, isForgotten: false)
                }
            }
            try? await Task.sleep(for: pause)
            pause = min(pause * 2, .seconds(5))
        }
        return nil
    }

    /// Thaws without writing anything down.
    ///
    /// - Returns: Whether it has; not if the freeze is sealed.
    private func thawUnwritten(_ id: String, _ containers: [String]) async throws -> Bool {
        guard try await !ledger.records().contains(where: { $0.id == id && $0.isSealed }) else { return false }
        try await FrozenTasks(client: client, containers: containers).thaw()
        return true
    }

    /// Removes the record of a freeze that is over, as soon as containerd can, or until the task is cancelled.
    func removeUntilCancelled(_ id: String) async {
        var pause = Duration.milliseconds(100)
        while !Task.isCancelled {
            if (try? await ledger.remove(id)) != nil { return }
            try? await Task.sleep(for: pause)
            pause = min(pause * 2, .seconds(5))
        }
    }

    /// Decides, thaws, and removes the record.
    ///
    /// Of several at once, the one who has decided thaws, and the others wait for it. A second call to thaw that arrives
    /// late could meet the next freeze of the same container; for the same reason what is over is not touched.
    ///
    /// - Parameter isOurs: Whether the caller has decided it in an earlier try; set if it does in this one.
    private func thawOnce(
        _ id: String,
        _ containers: [String],
        isOurs: inout Bool,
        lookAgain: Bool,
        thawed: @Sendable () async -> Void
    ) async throws -> FreezeOutcome {
        guard let decision = try await ledger.decide(.thawed, of: id) else { return .thawed }
        guard decision.outcome == .thawed else { return .sealed }
        isOurs = isOurs || decision.isNew
        if !isOurs, try await isEnded(id, within: Self.turn) {
            // Whoever did it may have died before the outcome, too, was deleted.
            try await ledger.remove(id)
            return .thawed
        }
        isOurs = true
        let tasks = FrozenTasks(client: client, containers: containers)
        try await tasks.thaw()
        if lookAgain {
            try await Task.sleep(for: Self.lostCall)
            try await tasks.thaw()
        }
        await thawed()
        try await ledger.remove(id)
        return .thawed
    }

    /// Waits for somebody else to end a freeze. containerd has no event for that.
    private func isEnded(_ id: String, within limit: Duration) async throws -> Bool {
        let deadline = ContinuousClock.now + limit
        var pause = Duration.milliseconds(5)
        while ContinuousClock.now < deadline {
            guard try await ledger.records().contains(where: { $0.id == id }) else { return true }
            try await Task.sleep(for: pause)
            pause = min(pause * 2, .milliseconds(500))
        }
        return false
    }
}
