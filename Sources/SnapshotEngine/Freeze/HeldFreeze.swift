// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

public import struct Foundation.Date

/// One freeze that a holder's process holds, as whoever asked for it sees it.
///
/// The holder decides; this follows. When the holder is lost, the ledger decides, and this thaws what was not sealed.
public actor HeldFreeze {
    private enum State {
        case idle
        case freezing
        case held
        case sealed
        /// Left to the holder.
        case kept
        case over(FreezeEnd)
    }

    /// The freeze's ID.
    public nonisolated let id: String
    /// Who freezes, for people.
    public nonisolated let owner: String

    private let client: HolderClient
    private let recovery: FreezeRecovery
    private let origin: HolderOrigin
    private var state = State.idle
    private var containers: [String] = []
    private var connection: HolderConnection?
    private var frozenSince: ContinuousClock.Instant?
    private var frozenFor = Duration.zero
    private var hasAskedToSeal = false
    /// Opened when the freeze is over.
    private let over = Latch()
    /// Opened when the holder was lost and all was done about it that can be.
    private let recovered = Latch()

    init(id: String, owner: String, client: HolderClient, recovery: FreezeRecovery, origin: HolderOrigin) {
        self.id = id
        self.owner = owner
        self.client = client
        self.recovery = recovery
        self.origin = origin
    }

    /// How long the containers have been frozen, up to now or to their thaw.
    public var frozenDuration: Duration {
        frozenSince.map { .now - $0 } ?? frozenFor
    }

    /// Why the freeze is over; nil if it is not.
    public var end: FreezeEnd? {
        if case .over(let end) = state { end } else { nil }
    }

    /// Freezes containers, in one go.
    ///
    /// When this throws, nothing is frozen by it, or the holder is about to thaw it.
    ///
    /// - Parameters:
    ///   - containers: The IDs of running containers.
    ///   - deadline: When they are thawed unless the freeze was sealed before.
    /// - Throws: `FreezeError`, `ContainerdError`, or `CancellationError`.
    public func freeze(_ containers: [String], until deadline: Date) async throws {
        guard case .idle = state else { throw FreezeError.alreadyUsed(id: id) }
        state = .freezing
        self.containers = containers
        let connection: HolderConnection
        do {
            connection = try await client.connection()
            guard case .freezing = state else { throw FreezeError.interrupted(id: id) }
            // Before it is begun: however the holder ends, it is seen to.
            try connection.add(self)
        } catch {
            finish(.thawed)
            throw error
        }
        self.connection = connection
        do {
            let milliseconds = Int64(exactly: (deadline.timeIntervalSince1970 * 1000).rounded()) ?? .max
            let answer = try await connection.ask(
                .freeze(id: id, owner: owner, containers: containers, deadline: milliseconds),
                about: id
            )
            if case .frozen(let microseconds) = answer, case .freezing = state {
                frozenSince = .now - .microseconds(microseconds)
                state = .held
            }
            try Task.checkCancellation()
            guard case .held = state else { throw FreezeError.interrupted(id: id) }
        } catch is CancellationError {
            try? await thaw()
            throw CancellationError()
        } catch FreezeError.holderLost {
            try? await uncancelled(for: origin.grace) { [recovered] in await recovered.wait() }
            throw FreezeError.holderLost(id: id)
        } catch {
            connection.remove(id)
            finish(.thawed)
            throw error
        }
    }

    /// Throws unless everything is still frozen and nobody has decided otherwise since the freeze began. Whoever reads a
    /// frozen sandbox asks after reading, because only then what was read is one instant.
    public func checkHeld() async throws {
        guard case .held = state, let connection else { throw FreezeError.notFrozen(id: id) }
        _ = try await connection.ask(.check(id: id), about: id)
    }

    /// Asks for the point of no return: afterwards the containers can only be killed.
    ///
    /// - Returns: `sealed` once that is written down, or `thawed` if the deadline was faster, or if somebody else has
    ///   thawed a container, or if the holder was lost before it had sealed.
    /// - Throws: If nobody can say now what was decided; ask again.
    public func seal() async throws -> FreezeOutcome {
        guard case .held = state, let connection else { return try outcome() }
        hasAskedToSeal = true
        do {
            let answer = try await connection.ask(.seal(id: id), about: id)
            if answer == .outcome(.sealed) { becomeSealed() }
            if case .outcome(let outcome) = answer { return outcome }
        } catch FreezeError.holderLost {
            await recovered.wait()
        }
        return try outcome()
    }

    private func outcome() throws -> FreezeOutcome {
        switch state {
        case .idle, .freezing: throw FreezeError.notFrozen(id: id)
        case .held: throw FreezeError.holderLost(id: id)
        case .kept: throw FreezeError.notFrozen(id: id)
        case .sealed, .over(.killed): .sealed
        case .over: .thawed
        }
    }

    /// Leaves the freeze to the holder, which holds it on although this client ends: what was captured is complete. From
    /// here on it is the others' to seal or to thaw (`FreezeControl`). Only a holder that listens at a socket does that.
    ///
    /// - Parameter captured: What was captured, for those who ask later.
    /// - Throws: If the freeze is not held any more, or if nobody knows whether it is left to the holder: thaw it then.
    public func keep(captured: [String]) async throws {
        guard case .held = state, let connection else { throw FreezeError.notFrozen(id: id) }
        _ = try await connection.ask(.keep(id: id, captured: captured), about: id)
        guard case .held = state else { throw FreezeError.notFrozen(id: id) }
        connection.remove(id)
        state = .kept
    }

    /// Thaws. The holder goes on until it has succeeded, however often containerd fails; this waits for it, but when the
    /// calling task is cancelled only for a short while more.
    ///
    /// - Throws: `sealed` if the point of no return has passed; `CancellationError` if the holder goes on alone.
    public func thaw() async throws {
        switch state {
        case .idle: finish(.thawed)
        case .sealed, .over(.killed): throw FreezeError.sealed(id: id)
        case .over, .kept: return
        case .freezing, .held:
            guard let connection else {
                // The holder is still being started; it will not be asked any more.
                return finish(.thawed)
            }
            let (id, recovered, over) = (id, recovered, over)
            try await uncancelled(for: origin.grace) {
                do {
                    _ = try await connection.ask(.thaw(id: id), about: id)
                    await over.wait()
                } catch FreezeError.holderLost {
                    await recovered.wait()
                } catch FreezeError.sealed {
                    await self.becomeSealed()
                }
            }
            switch state {
            case .over, .kept: return
            case .sealed: throw FreezeError.sealed(id: id)
            case .idle, .freezing, .held: throw CancellationError()
            }
        }
    }

    /// Ends all processes without letting them run one more instruction, and deletes their tasks. Needs a sealed freeze.
    ///
    /// On Kubernetes the pod has to be deleted before, else the kubelet starts its containers again.
    public func kill() async throws {
        switch state {
        case .over(.killed): return
        case .sealed: break
        default: throw FreezeError.notSealed(id: id)
        }
        do {
            guard let connection else { throw FreezeError.holderLost(id: id) }
            _ = try await connection.ask(.kill(id: id), about: id)
        } catch FreezeError.holderLost {
            try await recovery.kill(id)
        }
        finish(.killed)
    }

    /// Returns when the freeze is over, as far as this client knows, or when the task is cancelled.
    public func waitUntilOver() async {
        await over.wait()
    }

    /// Returns when the freeze is over: thawed or killed. Cancelling it thaws, unless the freeze is sealed; a sealed one is
    /// left as it is.
    public func run() async {
        await over.wait()
        guard Task.isCancelled else { return }
        // Sealed, or left to the holder.
        try? await thaw()
    }
}

/// What the connection to the holder tells.
extension HeldFreeze {
    /// The holder says that the freeze is over.
    func holderEnded(it end: FreezeEnd, frozen: Duration) {
        frozenSince = nil
        frozenFor = frozen
        finish(end)
    }

    /// The holder's process is gone, and with it whoever would have thawed. Returns when that is made up for, or when the
    /// task is cancelled.
    func holderWasLost() async {
        defer { recovered.open() }
        let mayBeOnItsWay: Bool
        switch state {
        case .freezing: mayBeOnItsWay = true
        case .held: mayBeOnItsWay = false
        case .idle, .sealed, .kept, .over: return
        }
        let ended = await recovery.thawUntilCancelled(
            id,
            containers,
            isAlone: origin.endsWithConnection,
            lookAgain: mayBeOnItsWay,
            canBeSealed: { await self.hasAskedToSeal }
        )
        switch ended?.outcome {
        case .sealed: becomeSealed()
        case .thawed: finish(.holderLost)
        case nil: break
        }
        if ended?.isForgotten == false {
            recovered.open()
            await recovery.removeUntilCancelled(id)
        }
    }

    private func becomeSealed() {
        guard case .held = state else { return }
        state = .sealed
        connection?.remove(id)
    }

    private func finish(_ end: FreezeEnd) {
        if case .over = state { return }
        state = .over(end)
        if let frozenSince { frozenFor = .now - frozenSince }
        frozenSince = nil
        over.open()
    }
}
