// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Synchronization

import struct Foundation.Date

/// The freezes of a holder's process, by their IDs, and what is being done with them.
final class HolderTable: Sendable {
    private struct State {
        var holders: [String: FreezeHolder] = [:]
        var underWay = 0
    }

    private let client: ContainerdClient
    private let state = Mutex(State())

    init(client: ContainerdClient) {
        self.client = client
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
        state.withLock { state in
            guard state.underWay < FreezeHolderService.mostRequests || request.order == .ping else {
                return .answer(.failed(HolderFailure(FreezeError.holderUnavailable("it has too much to do"))))
            }
            let holder: FreezeHolder
            switch request.order {
            case .freeze(let id, let owner, _, _):
                guard state.holders[id] == nil else {
                    return .answer(.failed(HolderFailure(FreezeError.alreadyUsed(id: id))))
                }
                holder = FreezeHolder(client: client, id: id, owner: owner)
                state.holders[id] = holder
            case .check(let id), .seal(let id), .thaw(let id), .kill(let id):
                guard let known = state.holders[id] else { return .answer(Self.answerOfNobody(to: request.order)) }
                holder = known
            case .ping: return .answer(.done)
            }
            state.underWay += 1
            return .work(holder)
        }
    }

    /// A freeze that is not known is over.
    private static func answerOfNobody(to order: HolderOrder) -> HolderAnswer {
        switch order {
        case .ping, .freeze, .thaw: .done
        case .check(let id): .failed(HolderFailure(FreezeError.notFrozen(id: id)))
        case .seal: .outcome(.thawed)
        case .kill(let id): .failed(HolderFailure(FreezeError.notSealed(id: id)))
        }
    }

    /// Carries a request out and answers it. A freeze ends with its end.
    func carryOut(_ request: HolderRequest, _ holder: FreezeHolder, _ answers: HolderAnswers) async {
        defer { state.withLock { $0.underWay -= 1 } }
        let answer: HolderAnswer
        do {
            answer = try await carryOut(request.order, holder)
        } catch is CancellationError {
            answer = .failed(HolderFailure(FreezeError.holderLost(id: holder.id)))
        } catch {
            answer = .failed(HolderFailure(error))
        }
        await answers.send(.answer(number: request.number, answer))
        guard case .freeze = request.order else { return }
        if case .frozen = answer { await holder.run() }
        // What is sealed, if this process is to end, is not over.
        if let end = await holder.end {
            let isTold = Task.isCancelled && end == .thawed
            let frozen = Int64(await holder.frozenDuration / .microseconds(1))
            await answers.send(.over(id: holder.id, end: isTold ? .holderLost : end, microseconds: frozen))
        }
        state.withLock { $0.holders[holder.id] = nil }
    }

    private func carryOut(_ order: HolderOrder, _ holder: FreezeHolder) async throws -> HolderAnswer {
        switch order {
        case .ping: return .done
        case .freeze(_, _, let containers, let deadline):
            try await holder.freeze(containers, until: Date(timeIntervalSince1970: Double(deadline) / 1000))
            return .frozen(microseconds: Int64(await holder.frozenDuration / .microseconds(1)))
        case .check: try await holder.checkHeld()
        case .seal: return .outcome(try await holder.seal())
        case .thaw: try await holder.thaw()
        case .kill: try await holder.kill()
        }
        return .done
    }
}
