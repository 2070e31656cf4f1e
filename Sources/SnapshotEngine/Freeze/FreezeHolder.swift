// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Logging

import struct Foundation.Date

/// Holds one freeze: from before its first container is frozen until all run again or are dead.
///
/// It lives in a process of its own (`FreezeHolderService`), so that whoever freezes can die, hang or be busy; the holder
/// does not. It writes the freeze down before it begins, it thaws when the deadline passes, and once it has answered
/// `sealed` it never thaws but only kills. Each freeze has exactly one outcome, also among several processes
/// (`FreezeLedger`).
actor FreezeHolder {
    private enum State {
        case idle
        case freezing
        case frozen
        /// Being thawed. The task ends only when that has happened, or when somebody else turns out to have sealed.
        case thawing(Task<FreezeOutcome, Never>)
        case thawed
        case sealed
        case killed
    }

    /// How long it may take until the last container is frozen: the first ones wait for it.
    private static let longestFreezing = Duration.seconds(10)
    /// How long one waits for another that was written down at the same moment to take that back.
    private static let longestTurn = Duration.seconds(3)
    /// Seconds; a later deadline is taken for this one.
    private static let longestFreeze = 366.0 * 86_400

    /// The freeze's ID.
    nonisolated let id: String
    /// Who freezes, for people.
    nonisolated let owner: String

    private let client: ContainerdClient
    private let ledger: FreezeLedger
    private var state = State.idle
    private var tasks: FrozenTasks
    private var timer: Task<Void, Never>?
    private var deadlineHasPassed = false
    private var isGivenUp = false
    private var deadline: Date?
    /// What was captured, once that is complete.
    private var captured: [String]?
    /// How many calls have sealed the freeze, or may yet do so.
    private var possibleSeals = 0
    private var frozenSince: ContinuousClock.Instant?
    private var frozenFor = Duration.zero
    /// The thaw that was begun, up to the removal of the record.
    private var ending: Task<FreezeOutcome, Never>?
    /// The removal of the record, if that could not be done with the thaw.
    private var removal: Task<Void, Never>?
    /// Opened when the freeze is over: thawed or killed.
    private let over = Latch()

    /// Creates a holder of a freeze that does not exist yet.
    ///
    /// - Parameters:
    ///   - client: A client in the containers' namespace.
    ///   - id: Names the freeze, 1 to 64 of `A-Z a-z 0-9 . _ -`.
    ///   - owner: Who freezes, for people.
    init(client: ContainerdClient, id: String, owner: String) {
        self.client = client
        self.id = id
        self.owner = owner
        self.ledger = FreezeLedger(client: client)
        self.tasks = FrozenTasks(client: client, containers: [])
    }

    /// Takes over a freeze from a holder that has died. One that is not sealed is to be thawed.
    init(client: ContainerdClient, takingOver record: FreezeRecord) {
        self.client = client
        self.id = record.id
        self.owner = record.owner
        self.ledger = FreezeLedger(client: client)
        self.tasks = FrozenTasks(client: client, containers: record.containers)
        self.deadline = record.deadline
        self.state = record.isSealed ? .sealed : .frozen
        // The one that died may have asked to seal.
        self.possibleSeals = 1
        self.frozenSince = .now
    }

    /// How long the containers have been frozen, up to now or to their thaw.
    var frozenDuration: Duration {
        frozenSince.map { .now - $0 } ?? frozenFor
    }

    /// Why the freeze is over; nil if it is not.
    var end: FreezeEnd? {
        switch state {
        case .killed: .killed
        case .thawed: deadlineHasPassed ? .deadline : .thawed
        default: nil
        }
    }

    /// Freezes containers, in one go.
    ///
    /// When this throws, nothing is frozen by it. It is not cut off in the middle by cancellation: it thaws and throws.
    ///
    /// - Parameters:
    ///   - containers: The IDs of running containers.
    ///   - deadline: When the holder thaws them unless it was sealed before.
    /// - Throws: `FreezeError`, `ContainerdError`, or `CancellationError`.
    func freeze(_ containers: [String], until deadline: Date) async throws {
        guard case .idle = state else { throw isGivenUp ? FreezeError.interrupted(id: id) : .alreadyUsed(id: id) }
        state = .freezing
        let deadline = min(deadline, Date(timeIntervalSinceNow: Self.longestFreeze))
        self.deadline = deadline
        let timeLeft = deadline.timeIntervalSinceNow
        tasks = FrozenTasks(client: client, containers: containers)
        do {
            guard !containers.isEmpty else { throw FreezeError.noContainers }
            guard timeLeft > 0 else { throw FreezeError.deadlineInThePast(id: id) }
            try await tasks.checkRunning()
            try await writeDown(FreezeRecord(id: id, containers: containers, deadline: deadline, owner: owner))
        } catch {
            finish(.thawed)
            throw error
        }

        arm(timeLeft: timeLeft)
        frozenSince = .now
        let failures = await tasks.freeze(timeLimit: min(.seconds(timeLeft / 2), Self.longestFreezing))
        guard failures.isEmpty, !deadlineHasPassed, !isGivenUp, !Task.isCancelled else {
            _ = await startEnding(lookAgain: failures.contains(where: \.isUncertain)).value
            try Task.checkCancellation()
            guard let failure = failures.first else { throw FreezeError.interrupted(id: id) }
            throw FreezeError.incomplete(container: failure.container, cause: failure.cause)
        }
        state = .frozen
    }

    /// Writes the freeze down, unless a container is part of another one: whoever ends that thaws it.
    private func writeDown(_ record: FreezeRecord) async throws {
        let ledger = ledger
        do {
            try await ledger.write(record)
        } catch let error as FreezeError {
            throw error
        } catch {
            // It may be written down although the answer was lost.
            await takeBack(record)
            throw error
        }
        do {
            try await waitForTurn(of: record)
        } catch {
            await takeBack(record)
            throw error
        }
    }

    /// Returns when no other freeze is written down of any of the containers.
    ///
    /// Of two that are written down at the same moment, and see each other, one must go on: the one whose ID comes first stays
    /// until the other has taken its record back. A holder does not, and is told from that by what it has frozen.
    ///
    /// - Throws: `alreadyFrozen` if it is another's turn.
    private func waitForTurn(of record: FreezeRecord) async throws {
        let deadline = ContinuousClock.now + Self.longestTurn
        while true {
            let rivals = try await ledger.records().filter { other in
                other.id != record.id && other.containers.contains(where: record.containers.contains)
            }
            guard let taken = record.containers.first(where: { id in rivals.contains { $0.containers.contains(id) } })
            else { return }
            guard rivals.allSatisfy({ record.id < $0.id }), .now < deadline else {
                throw FreezeError.alreadyFrozen(container: taken)
            }
            try await tasks.checkRunning()
            try await Task.sleep(for: .milliseconds(20))
        }
    }

    /// Deletes the record of a freeze that is not begun, however often containerd fails: it would keep the containers from
    /// being frozen again. Nobody minds it after its deadline.
    private func takeBack(_ record: FreezeRecord) async {
        let ledger = ledger
        await uncancelled {
            var pause = Duration.milliseconds(50)
            while record.deadline > Date() {
                if (try? await ledger.remove(record.id)) != nil { return }
                try? await Task.sleep(for: pause)
                pause = min(pause * 2, .seconds(5))
            }
        }
    }

    /// Throws unless everything is still frozen and nobody has decided otherwise since the freeze began. Whoever reads a
    /// frozen sandbox asks after reading, because only then what was read is one instant.
    func checkHeld() async throws {
        guard case .frozen = state, try await isUntouched(), case .frozen = state else {
            throw FreezeError.notFrozen(id: id)
        }
    }

    private func isUntouched() async throws -> Bool {
        guard let record = try await ledger.records().first(where: { $0.id == id }), record.outcome == nil else {
            return false
        }
        return try await tasks.areFrozen()
    }

    /// Says that what was captured is complete, and whoever froze may end: the freeze is held on.
    ///
    /// - Throws: `notFrozen` if it is not held any more.
    func keep(captured: [String]) async throws {
        try await checkHeld()
        self.captured = captured
    }

    /// Thaws unless `keep` was called.
    func thawUnlessKept() async {
        guard captured == nil else { return }
        // It throws only if the freeze is sealed.
        try? await thaw()
    }

    /// What the freeze is like, as containerd knows it: if somebody else has thawed a container, it is thawed.
    ///
    /// - Throws: If containerd cannot say.
    func status() async throws -> FreezeStatus {
        if case .frozen = state, try await !isUntouched(), case .frozen = state {
            _ = await thawOrFindSealed()
        } else if case .thawing(let ending) = state {
            _ = await ending.value
        }
        let state: FreezeStatus.State =
            switch state {
            case .idle: .unknown
            case .freezing: .freezing
            case .frozen, .thawing: .held
            case .sealed: .sealed
            case .thawed: .thawed
            case .killed: .killed
            }
        return FreezeStatus(
            id: id,
            state: state,
            deadline: deadline,
            frozenMilliseconds: Int64(frozenDuration / .milliseconds(1)),
            captured: captured
        )
    }

    /// Does what is asked of it, if it can be done now.
    ///
    /// - Returns: What the freeze is like afterwards.
    /// - Throws: If containerd cannot say, or does not do it.
    func carryOut(_ control: FreezeControl) async throws -> FreezeStatus {
        do {
            switch control {
            case .status: break
            case .seal: if captured != nil { _ = try await seal() }
            case .thaw: try await thaw()
            case .kill: try await kill()
            }
        } catch FreezeError.sealed, FreezeError.notSealed, FreezeError.notFrozen {
            // What it is like says why.
        }
        return try await status()
    }

    /// Asks for the point of no return: afterwards the containers can only be killed.
    ///
    /// - Returns: `sealed` once that is written down, or `thawed` if the deadline was faster, or if somebody else has
    ///   thawed a container.
    /// - Throws: If containerd cannot say what was decided; ask again.
    func seal() async throws -> FreezeOutcome {
        switch state {
        case .idle, .freezing: throw FreezeError.notFrozen(id: id)
        case .sealed, .killed: return .sealed
        case .thawed: return .thawed
        case .thawing(let ending): return await ending.value
        case .frozen: break
        }
        let outcome = try await decideToSeal()
        switch (outcome, state) {
        case (.sealed, .frozen):
            timer?.cancel()
            state = .sealed
        case (_, .frozen):
            return await thawOrFindSealed()
        case (_, .thawing(let ending)):
            // The deadline passed meanwhile, and may have lost against this.
            return await ending.value
        default:
            break
        }
        return outcome ?? .thawed
    }

    /// Seals if everything is frozen.
    ///
    /// - Returns: What was decided; nil if something is not frozen, or the freeze is over.
    private func decideToSeal() async throws -> FreezeOutcome? {
        let (ledger, tasks, id) = (ledger, tasks, id)
        // Before anything is waited for: the deadline may pass meanwhile. It stays when nobody can tell what was decided.
        possibleSeals += 1
        do {
            let outcome = try await uncancelled {
                try await tasks.areFrozen() ? try await ledger.decide(.sealed, of: id)?.outcome : nil
            }
            if outcome != .sealed { possibleSeals -= 1 }
            return outcome
        } catch let error as ContainerdError where error.saysThatDiskIsFull {
            possibleSeals -= 1
            throw error
        }
    }

    /// Returns when nothing is written down any more of a freeze that is over.
    func waitUntilForgotten() async {
        await removal?.value
    }

    /// Thaws, and removes what was written down. Goes on until it has succeeded, however often containerd fails or the
    /// calling task is cancelled. A freeze that is being begun is given up; one that was not begun never begins.
    ///
    /// - Throws: `sealed` if the point of no return has passed.
    func thaw() async throws {
        isGivenUp = true
        switch state {
        case .idle: finish(.thawed)
        case .thawed: _ = await ending?.value
        case .freezing: await uncancelled { [over] in await over.wait() }
        case .sealed, .killed: throw FreezeError.sealed(id: id)
        case .frozen, .thawing:
            guard await thawOrFindSealed() == .thawed else { throw FreezeError.sealed(id: id) }
        }
    }

    /// Ends all processes without letting them run one more instruction, and deletes their tasks. Needs a sealed freeze.
    ///
    /// On Kubernetes the pod has to be deleted before, else the kubelet starts its containers again.
    func kill() async throws {
        switch state {
        case .killed: return
        case .sealed: break
        default: throw FreezeError.notSealed(id: id)
        }
        let (tasks, ledger, id) = (tasks, ledger, id)
        try await uncancelled {
            try await tasks.kill()
            try await ledger.remove(id)
        }
        finish(.killed)
    }

    /// Returns when the freeze is over: thawed or killed. Cancelling it thaws, unless the freeze is sealed; a sealed one is
    /// left as it is.
    func run() async {
        await over.wait()
        guard Task.isCancelled else { return }
        // It throws only if the freeze is sealed.
        try? await thaw()
    }
}

extension FreezeHolder {
    private func arm(timeLeft: Double) {
        // Owned by the holder: `finish` and `seal` cancel it, and it ends with its deadline in any case.
        timer = Task {
            try? await Task.sleep(for: .seconds(timeLeft))
            guard !Task.isCancelled else { return }
            await self.passDeadline()
        }
    }

    private func passDeadline() async {
        switch state {
        case .freezing: deadlineHasPassed = true
        case .frozen:
            deadlineHasPassed = true
            _ = await thawOrFindSealed()
        default: return
        }
        client.logger.warning(
            "The deadline of a freeze has passed",
            metadata: ["freeze": "\(id)", "owner": "\(owner)"]
        )
    }

    /// Thaws, or finds out that the freeze is sealed.
    private func thawOrFindSealed() async -> FreezeOutcome {
        if case .thawing(let ending) = state {
            return await ending.value
        }
        return await startEnding(lookAgain: false).value
    }

    private func startEnding(lookAgain: Bool) -> Task<FreezeOutcome, Never> {
        // Not a child of the caller's task: its cancellation must not keep anything frozen. The holder owns it.
        let ending = Task { await self.carryOutEnding(lookAgain: lookAgain) }
        state = .thawing(ending)
        self.ending = ending
        return ending
    }

    private func carryOutEnding(lookAgain: Bool) async -> FreezeOutcome {
        let recovery = FreezeRecovery(client: client)
        let ended = await recovery.thawPersistently(
            id,
            tasks.containers,
            lookAgain: lookAgain,
            canBeSealed: { await self.possibleSeals > 0 },
            thawed: { await self.stopClock() }
        )
        guard ended.outcome == .thawed else {
            timer?.cancel()
            state = .sealed
            return .sealed
        }
        if !ended.isForgotten {
            // Owned by the holder; whoever serves it waits for it.
            removal = Task { [id] in await recovery.removeUntilCancelled(id) }
        }
        finish(.thawed)
        return .thawed
    }

    private func finish(_ state: State) {
        timer?.cancel()
        self.state = state
        stopClock()
        over.open()
    }

    private func stopClock() {
        guard let frozenSince else { return }
        frozenFor = .now - frozenSince
        self.frozenSince = nil
    }
}
