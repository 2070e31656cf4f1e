// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Synchronization

import struct Foundation.Date

/// The freezes of a holder's process, by their IDs, and what is being done with them.
final class HolderTable: Sendable {
    private struct State {
        var holders: [String: FreezeHolder] = [:]
        var underWay = 0
        /// How many freezes are not over.
        var live = 0
        /// Whether it is over when no freeze is left.
        var mayEnd = false
        var refusesFreezes = false

        var isOver: Bool { live == 0 && mayEnd }
    }

    private let client: ContainerdClient
    /// Nil if freezes end with their client, and are forgotten then.
    private let journal: HolderJournal?
    private let state = Mutex(State())
    /// Opened when no freeze is left, and none will be begun.
    let isOver = Latch()
    /// Opened when everything is answered after that.
    let isQuiet = Latch()

    init(client: ContainerdClient, journal: HolderJournal? = nil) {
        self.client = client
        self.journal = journal
    }

    /// What is to be done about a request.
    enum Beginning {
        /// To be carried out by a holder.
        case work(FreezeHolder)
        /// To be answered at once.
        case answer(HolderAnswer)
    }

    /// Finds the holder that a request is about, or makes it, in the order in which requests come.
    func begin(_ request: HolderRequest) -> Beginning {
        let beginning = state.withLock { state -> Beginning in
            guard state.underWay < FreezeHolderService.mostRequests || request.order == .ping else {
                return .answer(.failed(HolderFailure(FreezeError.holderUnavailable("it has too much to do"))))
            }
            let holder: FreezeHolder
            switch request.order {
            case .freeze(let id, let owner, _, _):
                guard state.holders[id] == nil else {
                    return .answer(.failed(HolderFailure(FreezeError.alreadyUsed(id: id))))
                }
                guard !state.refusesFreezes else {
                    return .answer(.failed(HolderFailure(FreezeError.holderUnavailable("it was told to end"))))
                }
                holder = FreezeHolder(client: client, id: id, owner: owner)
                state.holders[id] = holder
                state.live += 1
                state.mayEnd = true
            case .check(let id), .seal(let id), .thaw(let id), .kill(let id), .keep(let id, _):
                guard let known = state.holders[id] else { return .answer(Self.answerOfNobody(to: request.order)) }
                holder = known
            case .control(let control, let id):
                if let known = state.holders[id] {
                    holder = known
                } else if control == .thaw, journal != nil, FreezeLedger.isValid(id: id) {
                    // Given up before it was begun; it will not be.
                    holder = FreezeHolder(client: client, id: id, owner: "")
                    state.holders[id] = holder
                    state.mayEnd = true
                } else {
                    return .answer(.status(FreezeStatus(id: id, state: .unknown)))
                }
            case .ping: return .answer(.done)
            case .dismiss:
                state.mayEnd = true
                return .answer(.done)
            }
            state.underWay += 1
            return .work(holder)
        }
        settle()
        return beginning
    }

    /// A freeze that is not known is over.
    private static func answerOfNobody(to order: HolderOrder) -> HolderAnswer {
        switch order {
        case .ping, .freeze, .thaw, .dismiss: .done
        case .check(let id), .keep(let id, _): .failed(HolderFailure(FreezeError.notFrozen(id: id)))
        case .seal: .outcome(.thawed)
        case .kill(let id): .failed(HolderFailure(FreezeError.notSealed(id: id)))
        case .control(_, let id): .status(FreezeStatus(id: id, state: .unknown))
        }
    }

    /// Carries a request out and answers it. A freeze ends with its end.
    func carryOut(_ request: HolderRequest, _ holder: FreezeHolder, _ answers: HolderAnswers) async {
        let answer: HolderAnswer
        do {
            answer = try await carryOut(request.order, holder)
        } catch is CancellationError {
            answer = .failed(HolderFailure(FreezeError.holderLost(id: holder.id)))
        } catch {
            answer = .failed(HolderFailure(error))
        }
        await answers.send(.answer(number: request.number, answer))
        if case .freeze = request.order {
            if case .frozen = answer { await holder.run() }
            // What is sealed, if this process is to end, is not over.
            if let end = await holder.end {
                let isTold = end == .thawed && (Task.isCancelled || state.withLock { $0.refusesFreezes })
                let frozen = Int64(await holder.frozenDuration / .microseconds(1))
                await answers.send(.over(id: holder.id, end: isTold ? .holderLost : end, microseconds: frozen))
            }
            await forget(holder)
        }
        state.withLock { $0.underWay -= 1 }
        settle()
    }

    /// Waits until nothing is written down any more of a freeze that is over.
    private func forget(_ holder: FreezeHolder) async {
        await uncancelled { await holder.waitUntilForgotten() }
        state.withLock { state in
            state.live -= 1
            // Who asks later how a freeze ended is told for as long as this process lives, if that is not long.
            if journal == nil { state.holders[holder.id] = nil }
        }
    }

    private func carryOut(_ order: HolderOrder, _ holder: FreezeHolder) async throws -> HolderAnswer {
        switch order {
        case .ping, .dismiss: return .done
        case .freeze(let id, _, let containers, let deadline):
            do {
                try await journal?.add(id)
            } catch {
                // Nothing was begun, so there is nothing to thaw.
                try? await holder.thaw()
                throw error
            }
            try await holder.freeze(containers, until: Date(timeIntervalSince1970: Double(deadline) / 1000))
            return .frozen(microseconds: Int64(await holder.frozenDuration / .microseconds(1)))
        case .check: try await holder.checkHeld()
        case .seal: return .outcome(try await holder.seal())
        case .thaw: try await holder.thaw()
        case .kill: try await holder.kill()
        case .keep(_, let captured): try await holder.keep(captured: captured)
        case .control(let control, _): return .status(try await holder.carryOut(control))
        }
        return .done
    }
}

/// The life of a holder that outlives its clients.
extension HolderTable {
    /// Takes over a freeze from a holder that has died, and thaws it if it is not sealed. Returns when it is over.
    func takeOver(_ record: FreezeRecord) async {
        let holder = FreezeHolder(client: client, takingOver: record)
        state.withLock { state in
            state.holders[record.id] = holder
            state.live += 1
            state.mayEnd = true
        }
        // It throws only if the freeze is sealed.
        try? await holder.thaw()
        await holder.run()
        await forget(holder)
        settle()
    }

    /// Ends what is not sealed, and begins nothing any more.
    func end() async {
        let holders = state.withLock { state in
            state.refusesFreezes = true
            state.mayEnd = true
            return Array(state.holders.values)
        }
        await withDiscardingTaskGroup { group in
            for holder in holders { group.addTask { try? await holder.thaw() } }
        }
        settle()
    }

    /// Lets the process end if nobody has ever asked for a freeze.
    func endIfUnused() {
        state.withLock { $0.mayEnd = true }
        settle()
    }

    /// Lets the process end whatever is left.
    func giveUp() {
        isOver.open()
        isQuiet.open()
    }

    /// How the freezes ended, or what they are like.
    func statuses() async -> [FreezeStatus] {
        var statuses: [FreezeStatus] = []
        for holder in state.withLock({ Array($0.holders.values) }) {
            if let status = try? await holder.status() { statuses.append(status) }
        }
        return statuses
    }

    private func settle() {
        let (isOver, isQuiet) = state.withLock { ($0.isOver, $0.isOver && $0.underWay == 0) }
        if isOver { self.isOver.open() }
        if isQuiet { self.isQuiet.open() }
    }
}
