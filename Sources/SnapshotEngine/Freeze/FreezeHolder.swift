// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

public import Logging
import NIOCore

public import struct Foundation.Date

/// Holds one freeze: from before its first container is frozen until all run again or are dead.
///
/// Whoever freezes can die or forget; the holder does not. It writes the freeze down before it begins, it thaws when the
/// deadline passes, and once it has answered `sealed` it never thaws but only kills. Each freeze has exactly one outcome,
/// also among several processes (`FreezeLedger`).
///
/// The deadline is kept by a thread of the holder's own, on which the actor, its timer and the calls that thaw run, so
/// that a busy or blocked pool of Swift's threads delays nothing. For that the client has to be opened on the same thread
/// (`withHolder` does).
public actor FreezeHolder {
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

    /// The freeze's ID.
    public nonisolated let id: String
    /// Who freezes, for people.
    public nonisolated let owner: String
    /// Runs the actor on the holder's thread.
    public nonisolated var unownedExecutor: UnownedSerialExecutor { thread.asUnownedSerialExecutor() }

    private nonisolated let thread: ExecutorThread
    private let client: ContainerdClient
    private let ledger: FreezeLedger
    private var state = State.idle
    private var tasks: FrozenTasks
    private var timer: Task<Void, Never>?
    private var deadlineHasPassed = false
    private var frozenSince: ContinuousClock.Instant?
    private var frozenFor = Duration.zero
    /// The thaw that was begun, up to the removal of the record.
    private var ending: Task<FreezeOutcome, Never>?
    private var waiters: [CheckedContinuation<Void, Never>] = []

    /// Creates a holder of a freeze that does not exist yet.
    ///
    /// - Parameters:
    ///   - client: A client in the containers' namespace, opened on `thread`.
    ///   - id: Names the freeze, 1 to 64 of `A-Z a-z 0-9 . _ -`.
    ///   - owner: Who freezes, for people.
    ///   - thread: The thread that keeps the deadline.
    public init(client: ContainerdClient, id: String, owner: String, thread: ExecutorThread = .freezing) {
        self.client = client
        self.id = id
        self.owner = owner
        self.thread = thread
        self.ledger = FreezeLedger(client: client)
        self.tasks = FrozenTasks(client: client, containers: [])
    }

    /// The containers that it holds or held.
    public var containers: [String] { tasks.containers }

    /// How long they have been frozen, up to now or to their thaw.
    public var frozenDuration: Duration {
        frozenSince.map { .now - $0 } ?? frozenFor
    }

    /// Freezes containers, in one go.
    ///
    /// When this throws, nothing is frozen by it. It is not cut off in the middle by cancellation: it thaws and throws.
    ///
    /// - Parameters:
    ///   - containers: The IDs of running containers.
    ///   - deadline: When the holder thaws them unless it was sealed before.
    /// - Throws: `FreezeError`, `ContainerdError`, or `CancellationError`.
    public func freeze(_ containers: [String], until deadline: Date) async throws {
        guard case .idle = state else { throw FreezeError.alreadyUsed(id: id) }
        guard !containers.isEmpty else { throw FreezeError.noContainers }
        let timeLeft = deadline.timeIntervalSinceNow
        guard timeLeft > 0 else { throw FreezeError.deadlineInThePast(id: id) }

        state = .freezing
        tasks = FrozenTasks(client: client, containers: containers)
        let record = FreezeRecord(id: id, containers: containers, deadline: deadline, owner: owner)
        do {
            try await tasks.checkRunning()
            try await ledger.write(record)
        } catch {
            if !(error is FreezeError) {
                // It may be written down although the answer was lost.
                let ledger = ledger
                await uncancelled { try? await ledger.remove(record.id) }
            }
            finish(.thawed)
            throw error
        }

        arm(timeLeft: timeLeft)
        frozenSince = .now
        let tasks = tasks
        let limit = min(.seconds(timeLeft / 2), Self.longestFreezing)
        let failures = await Task(executorPreference: thread) { await tasks.freeze(timeLimit: limit) }.value
        guard failures.isEmpty, !deadlineHasPassed, !Task.isCancelled else {
            _ = await end(lookAgain: failures.contains(where: \.isUncertain))
            try Task.checkCancellation()
            guard let failure = failures.first else { throw FreezeError.interrupted(id: id) }
            throw FreezeError.incomplete(container: failure.container, cause: failure.cause)
        }
        state = .frozen
    }

    /// Goes on holding a freeze that another process has left behind.
    public func adopt(_ record: FreezeRecord) throws {
        guard case .idle = state, record.id == id else { throw FreezeError.alreadyUsed(id: id) }
        tasks = FrozenTasks(client: client, containers: record.containers)
        frozenSince = .now
        switch record.outcome {
        case .sealed:
            state = .sealed
        case .thawed:
            _ = startEnding(lookAgain: false)
        case nil:
            state = .frozen
            arm(timeLeft: max(0, record.deadline.timeIntervalSinceNow))
        }
    }

    /// Throws unless everything is still frozen and nobody has decided otherwise since the freeze began. Whoever reads a
    /// frozen sandbox asks after reading, because only then what was read is one instant.
    public func checkHeld() async throws {
        guard case .frozen = state,
            let record = try await ledger.records().first(where: { $0.id == id }), record.outcome == nil,
            try await tasks.areFrozen(), case .frozen = state
        else { throw FreezeError.notFrozen(id: id) }
    }

    /// Asks for the point of no return: afterwards the containers can only be killed.
    ///
    /// - Returns: `sealed` once that is written down, or `thawed` if the deadline was faster, or if somebody else has
    ///   thawed a container.
    /// - Throws: If containerd cannot say what was decided; ask again.
    public func seal() async throws -> FreezeOutcome {
        switch state {
        case .idle, .freezing: throw FreezeError.notFrozen(id: id)
        case .sealed, .killed: return .sealed
        case .thawed: return .thawed
        case .thawing(let ending): return await ending.value
        case .frozen: break
        }
        guard try await tasks.areFrozen() else {
            return await end()
        }
        let (ledger, id) = (ledger, id)
        let outcome = try await uncancelled { try await ledger.decide(.sealed, of: id) }
        switch (outcome, state) {
        case (.sealed, .frozen):
            timer?.cancel()
            state = .sealed
        case (.thawed, .frozen):
            _ = await end()
        default:
            break
        }
        return outcome
    }

    /// Thaws, and removes what was written down. Goes on until it has succeeded, however often containerd fails or the
    /// calling task is cancelled.
    ///
    /// - Throws: `sealed` if the point of no return has passed.
    public func thaw() async throws {
        switch state {
        case .idle: return
        case .thawed: _ = await ending?.value
        case .freezing: throw FreezeError.notFrozen(id: id)
        case .sealed, .killed: throw FreezeError.sealed(id: id)
        case .frozen, .thawing:
            guard await end() == .thawed else { throw FreezeError.sealed(id: id) }
        }
    }

    /// Ends all processes without letting them run one more instruction, and deletes their tasks. Needs a sealed freeze.
    ///
    /// On Kubernetes the pod has to be deleted before, else the kubelet starts its containers again.
    public func kill() async throws {
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
    public func run() async {
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                switch state {
                case .thawed, .killed: continuation.resume()
                default: waiters.append(continuation)
                }
            }
        } onCancel: {
            // Owned by the holder: it ends as soon as the freeze has.
            Task(executorPreference: thread) { await self.letGo() }
        }
    }
}

extension FreezeHolder {
    /// Opens a client on the holder's thread and lets `body` use a holder; afterwards nothing stays frozen but what was
    /// sealed.
    public static func withHolder<Result: Sendable>(
        socket: String,
        namespace: String,
        id: String,
        owner: String,
        logger: Logger,
        isolation: isolated (any Actor)? = #isolation,
        _ body: (FreezeHolder) async throws -> Result
    ) async throws -> Result {
        try await ContainerdClient.withClient(
            socket: socket,
            namespace: namespace,
            logger: logger,
            thread: .freezing
        ) { client in
            let holder = FreezeHolder(client: client, id: id, owner: owner)
            let outcome: Swift.Result<Result, any Error>
            do {
                outcome = .success(try await body(holder))
            } catch {
                outcome = .failure(error)
            }
            await holder.letGo()
            return try outcome.get()
        }
    }

    /// Thaws unless that is no longer possible or no longer needed.
    private func letGo() async {
        switch state {
        case .idle: finish(.thawed)
        case .frozen, .thawing: _ = await end()
        case .sealed: resumeWaiters()
        // `freeze` itself sees that its task is cancelled.
        case .freezing, .thawed, .killed: break
        }
    }

    private func arm(timeLeft: Double) {
        let deadline = NIODeadline.now() + .nanoseconds(Int64(timeLeft * 1e9))
        // Owned by the holder: `finish` and `seal` cancel it, and it ends with its deadline in any case.
        timer = Task(executorPreference: thread) { [thread] in
            await thread.sleep(until: deadline)
            guard !Task.isCancelled else { return }
            await self.passDeadline()
        }
    }

    private func passDeadline() async {
        deadlineHasPassed = true
        guard case .frozen = state else { return }
        client.logger.warning(
            "The deadline of a freeze has passed",
            metadata: ["freeze": "\(id)", "owner": "\(owner)"]
        )
        _ = await end()
    }

    /// Thaws, or finds out that the freeze is sealed.
    private func end(lookAgain: Bool = false) async -> FreezeOutcome {
        if case .thawing(let ending) = state {
            return await ending.value
        }
        return await startEnding(lookAgain: lookAgain).value
    }

    private func startEnding(lookAgain: Bool) -> Task<FreezeOutcome, Never> {
        // Not a child of the caller's task: its cancellation must not keep anything frozen. The holder owns it.
        let ending = Task(executorPreference: thread) { await self.carryOutEnding(lookAgain: lookAgain) }
        state = .thawing(ending)
        self.ending = ending
        return ending
    }

    private func carryOutEnding(lookAgain: Bool) async -> FreezeOutcome {
        let outcome = await persistently("decide") { try await ledger.decide(.thawed, of: id) }
        guard outcome == .thawed else {
            timer?.cancel()
            state = .sealed
            return outcome
        }
        await persistently("thaw") { try await tasks.thaw() }
        if lookAgain {
            // A call to freeze whose answer was lost may still be on its way.
            await thread.sleep(until: .now() + .seconds(5))
            await persistently("thaw again") { try await tasks.thaw() }
        }
        stopClock()
        await persistently("forget") { try await ledger.remove(id) }
        finish(.thawed)
        return outcome
    }

    private func finish(_ state: State) {
        timer?.cancel()
        self.state = state
        stopClock()
        resumeWaiters()
    }

    private func stopClock() {
        if let frozenSince {
            frozenFor = .now - frozenSince
            self.frozenSince = nil
        }
    }

    private func resumeWaiters() {
        let waiters = waiters
        self.waiters = []
        waiters.forEach { $0.resume() }
    }

    /// Repeats until it succeeds: giving up would leave a sandbox frozen.
    private func persistently<Value: Sendable>(_ what: String, _ body: () async throws -> Value) async -> Value {
        var pause = TimeAmount.milliseconds(50)
        while true {
            do {
                return try await body()
            } catch {
                client.logger.error(
                    "A freeze cannot be ended yet",
                    metadata: ["freeze": "\(id)", "step": "\(what)", "error": "\(error)"]
                )
                await thread.sleep(until: .now() + pause)
                pause = min(pause * 2, .seconds(5))
            }
        }
    }
}

extension ExecutorThread {
    /// The one thread that keeps the deadlines of all freezes of this process.
    public static let freezing = ExecutorThread()
}
