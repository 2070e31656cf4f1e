// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

/// Lets those of this process who change one list of referrers do so one after the other. A registry has no lock: of two
/// who write at the same time, one may undo the other's change after the other has seen it done.
actor ReferrerTurns {
    /// Who waits, by what for. There is an entry while somebody has the turn.
    private var waiting: [String: [CheckedContinuation<Void, Never>]] = [:]

    /// Runs `body` when nobody else runs one for the same list. Waiting is as long as the others' requests take.
    nonisolated func taking<Answer: Sendable>(
        _ list: String,
        _ body: () async throws -> Answer
    ) async throws -> Answer {
        await begin(list)
        do {
            let answer = try await body()
            await end(list)
            return answer
        } catch {
            await end(list)
            throw error
        }
    }

    private func begin(_ list: String) async {
        if waiting[list] == nil {
            waiting[list] = []
        } else {
            await withCheckedContinuation { waiting[list, default: []].append($0) }
        }
    }

    private func end(_ list: String) {
        guard var queue = waiting[list], !queue.isEmpty else {
            waiting[list] = nil
            return
        }
        let next = queue.removeFirst()
        waiting[list] = queue
        next.resume()
    }
}
