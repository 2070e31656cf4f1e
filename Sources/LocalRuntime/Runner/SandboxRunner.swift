// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Logging
import SandboxModels
import SnapshotEngine
import SnapshotProvider

import struct Foundation.Date

/// Runs the state machine of one sandbox on this machine: observes, decides, writes down, acts.
///
/// The row is the machine's memory; everything else here can be lost at any moment and is seen again after a restart.
actor SandboxRunner {
    /// The sandbox's identity.
    nonisolated let id: String

    /// What a runner needs of the world.
    let world: SandboxWorld
    /// What is persisted, as it is persisted: changed only after the store has it.
    private(set) var row: SandboxRow {
        didSet { tellFollowers() }
    }
    /// Whether nothing is left of the sandbox, not even its row.
    private(set) var isForgotten = false {
        didSet { tellFollowers() }
    }
    /// How often the row has changed, and those who follow its changes.
    private(set) var version = 0
    var followers: [WakeSignal] = []
    /// The snapshot that is being taken, which keeps the sandbox from being paused.
    var snapshotInFlight: String?
    /// The request in which the last wish was stated. It is forgotten with the process, and so is what it captures.
    var wishRequest: RequestID?
    /// One change of what is asked for at a time.
    let turns = KeyedLocks()
    /// What came of actions and cannot be seen again by looking.
    var sightings = Sightings()
    /// The actions that have failed and are tried again.
    var setbacks: [Action: Backoff] = [:]
    /// The actions that are being carried out.
    private var ongoing: [Action: WakeSignal] = [:]
    /// Those who wait for an action to end.
    private var endWatchers: [WakeSignal] = []
    /// Those who wait for the phase to change.
    private var watchers: [WakeSignal] = []
    /// Attempts before the present one whose containers may still be there.
    var earlierAttempts: Set<Int>
    /// The capture that the record named when this process began.
    let inheritedCapture: String?
    private nonisolated let wakeSignal = WakeSignal()
    private let logger: Logger

    /// Results of actions that no look at containerd or at the store would show again.
    struct Sightings {
        /// Why the compute of an attempt could not be created.
        var failedCompute: [Int: SandboxError] = [:]
        /// The last verification.
        var verification: Observation.Verification?
        /// Leftovers that are gone.
        var cleaned: Set<Leftover> = []
    }

    init(row: SandboxRow, world: SandboxWorld, logger: Logger) {
        self.id = row.id
        self.row = row
        self.world = world
        inheritedCapture = row.recorded.phase.capture?.uid
        earlierAttempts = Set(1...max(row.recorded.attempts, 1)).subtracting([row.recorded.incarnation])
        var logger = logger
        logger[metadataKey: "sandbox"] = "\(row.id)"
        self.logger = logger
    }

    /// Makes the runner look again, soon.
    nonisolated func wake() { wakeSignal.signal() }

    /// Runs until the sandbox is deleted or the task is cancelled. Cancelling leaves the sandbox as it is, except that
    /// a capture in flight is given up.
    func run() async {
        await withDiscardingTaskGroup { group in
            while !Task.isCancelled {
                let observation = await observe()
                // What a cancelled task sees of the world is not worth being written down.
                guard !Task.isCancelled else { break }
                guard let (decision, isStored) = try? await decide(from: observation) else { break }
                guard isStored else {
                    await wakeSignal.wait(until: .now + world.retryDelay)
                    continue
                }
                if decision.record.phase == .deleted {
                    if await forget() { break }
                    await wakeSignal.wait(until: .now + world.retryDelay)
                    continue
                }
                for action in decision.actions where ongoing[action] == nil {
                    let cancel = WakeSignal()
                    ongoing[action] = cancel
                    group.addTask { await self.carryOut(action, cancelledBy: cancel) }
                }
                await wakeSignal.wait(until: nextLook(decision, observation))
            }
            group.cancelAll()
        }
    }

    /// Decides and writes it down, in a turn of its own: no wish comes in between.
    ///
    /// - Returns: The decision, and whether it was written down.
    /// - Throws: `CancellationError`.
    private func decide(from observation: Observation) async throws -> (Decision, isStored: Bool) {
        try await turns.withLock(id) {
            let decision = Lifecycle.decide(
                intent: row.intent,
                recorded: row.recorded,
                observation: observation,
                now: world.now(),
                policy: world.policy
            )
            guard await persist(decision.record) else { return (decision, false) }
            return (decision, await rearm())
        }
    }

    /// Lets a sandbox that pauses by itself do so again after a pause that was asked for and did not come about: that wish has
    /// been answered, and its time still ends.
    private func rearm() async -> Bool {
        guard row.spec.timeout?.action == .pause, row.recorded.phase == .running, row.intent.wish == .paused,
            row.intent.generation <= row.recorded.acknowledged
        else { return true }
        var intent = row.intent
        intent.wish = .running
        do {
            try await world.store.update(intent: intent, of: id)
            row.intent = intent
            wake()
            return true
        } catch {
            logger.error("cannot write the sandbox's state; will try again", metadata: ["error": "\(error)"])
            return false
        }
    }

    /// When to look again if nothing happens.
    private func nextLook(_ decision: Decision, _ observation: Observation) -> ContinuousClock.Instant? {
        let wakeAt = decision.wakeAt.map { world.instant(of: $0) }
        guard observation.compute == .unknown else { return wakeAt }
        // Nobody tells when containerd answers again.
        let retry = ContinuousClock.now + world.retryDelay
        return wakeAt.map { min($0, retry) } ?? retry
    }

    // MARK: - Wishes

    /// Writes down what the API asks for, if it is admitted now. Requests are answered one after the other, so that each
    /// is admitted to what the one before has made of the intent, and what is written last is what was asked last.
    ///
    /// - Parameter edit: What the request makes of the intent.
    /// - Throws: `SandboxError` with `notFound` or `invalidState`; what `edit` or the store threw.
    func change(_ request: LifecycleRequest, api: LifecycleAPI, _ edit: (inout Intent) throws -> Void) async throws {
        try await amend { stated in
            switch Lifecycle.admit(request, intent: stated, recorded: row.recorded, api: api) {
            case .noop: return
            case .refuse(let refusal): throw SandboxError(refusal)
            case .accept, .queue: try edit(&stated)
            }
        }
    }

    /// Writes down what a request makes of that which is asked for, in its turn. The runner decides in the same turns: what is
    /// written down here is what it decides from next, and what it has decided is what is seen here.
    ///
    /// - Parameter edit: Changes the intent, or throws if it must not be changed.
    func amend<Result: Sendable>(_ edit: (inout Intent) throws -> Result) async throws -> Result {
        try await turns.withLock(id) {
            var stated = row.intent
            let result = try edit(&stated)
            guard stated != row.intent else { return result }
            try await world.store.update(intent: stated, of: id)
            row.intent = stated
            wake()
            return result
        }
    }

    /// Writes down other metadata.
    ///
    /// - Throws: `SandboxError` with `notFound` if the sandbox is being deleted; what the store threw.
    func changeMetadata(_ edit: (inout [String: String]) -> Void) async throws {
        try await turns.withLock(id) {
            guard
                case .accept = Lifecycle.admit(
                    .renew,
                    intent: row.intent,
                    recorded: row.recorded,
                    api: .openSandboxREST
                )
            else { throw SandboxError(.notFound, "the sandbox \(id) is being deleted") }
            var spec = row.spec
            edit(&spec.metadata)
            try await world.store.update(spec: spec, of: id)
            row.spec = spec
        }
    }

    /// Writes down what becomes of its move, in its turn: what is seen there is what a resume sees, too.
    ///
    /// - Throws: What `edit` or the store threw.
    func editMove(_ edit: (Move?, Sandbox) throws -> Move?) async throws -> Move? {
        try await turns.withLock(id) {
            let move = try edit(row.move, await sandbox())
            guard move != row.move else { return move }
            try await world.store.update(move: move, of: id)
            row.move = move
            return move
        }
    }

    /// Waits until the sandbox runs.
    ///
    /// - Throws: `SandboxError` if it will not, or has not by the deadline.
    func waitUntilRunning(deadline: ContinuousClock.Instant) async throws {
        let signal = WakeSignal()
        watchers.append(signal)
        defer { watchers.removeAll { $0 === signal } }
        while true {
            switch row.recorded.phase {
            case .running: return
            case .failed(let problem):
                throw sightings.failedCompute[row.recorded.incarnation]
                    ?? SandboxError(.startFailed, problem.message)
            case .deleting, .deleted:
                throw SandboxError(.startFailed, "sandbox \(id) was deleted before it had started")
            case .pending, .resuming, .pausing, .sealing, .releasing, .thawing, .paused: break
            }
            try Task.checkCancellation()
            guard ContinuousClock.now < deadline else {
                throw SandboxError(.startFailed, "sandbox \(id) did not start in time")
            }
            await signal.wait(until: deadline)
        }
    }

    /// Waits until nothing of the sandbox is left, or until the deadline.
    func waitUntilGone(deadline: ContinuousClock.Instant) async {
        let signal = WakeSignal()
        watchers.append(signal)
        defer { watchers.removeAll { $0 === signal } }
        while !isForgotten, ContinuousClock.now < deadline, !Task.isCancelled {
            await signal.wait(until: deadline)
        }
    }

    // MARK: - Actions

    private func carryOut(_ action: Action, cancelledBy cancel: WakeSignal) async {
        logger.debug("begin", metadata: ["action": "\(action.name)"])
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await self.perform(action) }
            group.addTask { await cancel.wait() }
            await group.next()
            group.cancelAll()
        }
        ongoing[action] = nil
        for watcher in endWatchers { watcher.signal() }
        wake()
    }

    /// Waits until no such action is being carried out, or until the task is cancelled.
    func waitUntilEnded(_ matches: (Action) -> Bool) async {
        let signal = WakeSignal()
        endWatchers.append(signal)
        defer { endWatchers.removeAll { $0 === signal } }
        while isCarryingOut(matches), !Task.isCancelled { await signal.wait() }
    }

    /// Makes an action that is being carried out give up, if there is one that fits.
    func cancel(where matches: (Action) -> Bool) {
        for (action, signal) in ongoing where matches(action) { signal.signal() }
    }

    /// Whether such an action is being carried out.
    func isCarryingOut(_ matches: (Action) -> Bool) -> Bool {
        ongoing.keys.contains(where: matches)
    }

    /// Writes about something that went wrong outside of the state machine.
    func log(_ error: any Error, _ what: String) {
        logger.warning("\(what)", metadata: ["error": "\(error)"])
    }

    // MARK: - The row

    private func tellFollowers() {
        version += 1
        for follower in followers { follower.signal() }
    }

    private func persist(_ record: Recorded) async -> Bool {
        guard record != row.recorded else { return true }
        let from = row.recorded.phase.name
        let incarnation = row.recorded.incarnation
        let events = SandboxEvent.events(from: row.recorded, to: record, intent: row.intent, now: world.now())
        do {
            try await world.store.update(recorded: record, of: id, events: events)
            row.recorded = record
        } catch {
            logger.error("cannot write the sandbox's state; will try again", metadata: ["error": "\(error)"])
            return false
        }
        if record.incarnation != incarnation { earlierAttempts.insert(incarnation) }
        if from != record.phase.name {
            logger.info("transition", metadata: ["from": "\(from)", "to": "\(record.phase.name)"])
        }
        sightings.cleaned.formIntersection(record.leftovers)
        for watcher in watchers { watcher.signal() }
        return true
    }

    private func forget() async -> Bool {
        do {
            try await world.volumes.deleteVolumes(of: row, in: world.store)
            try await world.store.remove(id)
        } catch {
            logger.error("cannot remove the sandbox's row; will try again", metadata: ["error": "\(error)"])
            return false
        }
        await world.forgotten(id)
        isForgotten = true
        for watcher in watchers { watcher.signal() }
        return true
    }
}
