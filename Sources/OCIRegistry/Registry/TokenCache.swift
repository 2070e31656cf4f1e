// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// An access token and until when it is good.
struct AccessToken: Sendable, Hashable {
    let value: String
    let expiry: ContinuousClock.Instant
}

/// Access tokens by what they are for. Requests that need the same one at the same time share one fetch.
///
/// A fetch runs in a task that is owned by those who wait for it: it ends with its answer, or is cancelled with the
/// last of them.
final class TokenCache: Sendable {
    struct Key: Sendable, Hashable {
        let realm: String
        let service: String?
        let scopes: [String]
        /// Whose token it is: repositories of one registry may have different logins.
        let credentials: RegistryCredentials?
    }

    private typealias Waiter = CheckedContinuation<AccessToken, any Error>

    private struct Fetch {
        let id: Int
        let task: Task<Void, Never>
        var waiters: [Int: Waiter]
    }

    private struct State {
        var tokens: [Key: AccessToken] = [:]
        var fetches: [Key: Fetch] = [:]
        var lastID = 0

        mutating func nextID() -> Int {
            lastID += 1
            return lastID
        }
    }

    private let state = Mutex(State())
    private let now: @Sendable () -> ContinuousClock.Instant

    init(now: @escaping @Sendable () -> ContinuousClock.Instant = { .now }) {
        self.now = now
    }

    /// A token: a good one from the cache, else a fetched one.
    ///
    /// - Parameter refused: a token that the registry has just refused; it is not returned again.
    func token(
        for key: Key,
        refused: String? = nil,
        fetch: @escaping @Sendable () async throws -> AccessToken
    ) async throws -> AccessToken {
        let waiterID = state.withLock { $0.nextID() }
        return try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { (waiter: Waiter) in
                let answer: Result<AccessToken, any Error>? = state.withLock { state in
                    // Here, under the lock that `onCancel` takes as well, so that no cancellation is missed.
                    if Task.isCancelled { return .failure(CancellationError()) }
                    if let token = state.tokens[key], token.value != refused, token.expiry > now() {
                        return .success(token)
                    }
                    state.tokens[key] = nil
                    if state.fetches[key] != nil {
                        state.fetches[key]?.waiters[waiterID] = waiter
                    } else {
                        let id = state.nextID()
                        let task = Task { await self.run(fetch, id: id, for: key) }
                        state.fetches[key] = Fetch(id: id, task: task, waiters: [waiterID: waiter])
                    }
                    return nil
                }
                if let answer { waiter.resume(with: answer) }
            }
        } onCancel: {
            leave(waiterID, key: key)
        }
    }

    private func leave(_ waiterID: Int, key: Key) {
        let waiter: Waiter? = state.withLock { state in
            guard let waiter = state.fetches[key]?.waiters.removeValue(forKey: waiterID) else { return nil }
            if let fetch = state.fetches[key], fetch.waiters.isEmpty {
                fetch.task.cancel()
                state.fetches[key] = nil
            }
            return waiter
        }
        waiter?.resume(throwing: CancellationError())
    }

    private func run(_ fetch: @Sendable () async throws -> AccessToken, id: Int, for key: Key) async {
        let result: Result<AccessToken, any Error>
        do {
            result = .success(try await fetch())
        } catch {
            result = .failure(error)
        }
        let waiters: [Waiter] = state.withLock { state in
            // Another fetch may have taken the place of one that everybody had left.
            guard let done = state.fetches[key], done.id == id else { return [] }
            state.fetches[key] = nil
            let now = now()
            state.tokens = state.tokens.filter { $0.value.expiry > now }
            if case .success(let token) = result { state.tokens[key] = token }
            return Array(done.waiters.values)
        }
        for waiter in waiters { waiter.resume(with: result) }
    }
}
