// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Synchronization
import Testing

@testable import OCIRegistry

struct TokenCacheTests {
    private static let key = TokenCache.Key(realm: "r", service: nil, scopes: [], credentials: nil)

    private func token(_ value: String, in seconds: Int = 100) -> AccessToken {
        AccessToken(value: value, expiry: .now + .seconds(seconds))
    }

    @Test func keepsATokenUntilItExpires() async throws {
        let now = Mutex(ContinuousClock.now)
        let cache = TokenCache(now: { now.withLock { $0 } })
        let start = now.withLock { $0 }
        func fetched(_ value: String) async throws -> String {
            try await cache.token(for: Self.key) { AccessToken(value: value, expiry: start + .seconds(10)) }.value
        }
        #expect(try await fetched("1") == "1")
        now.withLock { $0 = start + .seconds(9) }
        #expect(try await fetched("2") == "1")
        now.withLock { $0 = start + .seconds(10) }
        #expect(try await fetched("3") == "3")
    }

    @Test func doesNotKeepFailures() async throws {
        struct Broken: Error {}
        let cache = TokenCache()
        await #expect(throws: Broken.self) { try await cache.token(for: Self.key) { throw Broken() } }
        #expect(try await cache.token(for: Self.key) { token("1") }.value == "1")
        #expect(try await cache.token(for: Self.key, refused: "1") { token("2") }.value == "2")
        #expect(try await cache.token(for: Self.key, refused: "1") { token("3") }.value == "2")
    }

    /// One waiter leaves; the other still gets the token. Both leave: the fetch is cancelled.
    @Test func outlivesAWaiterButNotAll() async throws {
        let cache = TokenCache()
        let (begun, begin) = AsyncStream.makeStream(of: Void.self)
        let (gate, open) = AsyncStream.makeStream(of: Void.self)
        let fetch: @Sendable () async throws -> AccessToken = {
            begin.yield()
            for await _ in gate { break }
            try Task.checkCancellation()
            return AccessToken(value: "1", expiry: .now + .seconds(100))
        }
        var begins = begun.makeAsyncIterator()

        let first = Task { try await cache.token(for: Self.key, fetch: fetch) }
        _ = await begins.next()
        let second = Task { try await cache.token(for: Self.key, fetch: fetch) }
        first.cancel()
        await #expect(throws: CancellationError.self) { try await first.value }
        // Whether the second one came before that and waits for the same fetch, or after it for another one, it gets a
        // token.
        open.yield()
        open.yield()
        #expect(try await second.value.value == "1")
    }

    @Test func endsTheFetchThatNobodyWaitsFor() async throws {
        let cache = TokenCache()
        let (begun, begin) = AsyncStream.makeStream(of: Void.self)
        let (ended, end) = AsyncStream.makeStream(of: Bool.self)
        let waiter = Task {
            try await cache.token(for: Self.key) {
                begin.yield()
                do {
                    try await Task.sleep(for: .seconds(3600))
                } catch {
                    end.yield(true)
                    throw error
                }
                return AccessToken(value: "late", expiry: .now)
            }
        }
        for await _ in begun { break }
        waiter.cancel()
        await #expect(throws: CancellationError.self) { try await waiter.value }
        var endings = ended.makeAsyncIterator()
        #expect(await endings.next() == true)
        #expect(try await cache.token(for: Self.key) { token("2") }.value == "2")
    }
}
