// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// Logins, kept for a moment: a transfer has many requests, and for a login a file may have to be read or a program run.
/// A login that was refused is asked for anew at once.
final class LoginCache: Sendable {
    private struct Key: Hashable {
        let domain: String
        let repository: String
    }

    private struct Entry {
        let login: RegistryCredentials?
        let expiry: ContinuousClock.Instant
    }

    private let provider: CredentialsProvider
    private let lifetime: Duration
    private let now: @Sendable () -> ContinuousClock.Instant
    private let entries = Mutex<[Key: Entry]>([:])

    init(
        _ provider: CredentialsProvider,
        lifetime: Duration = .seconds(30),
        now: @escaping @Sendable () -> ContinuousClock.Instant = { .now }
    ) {
        self.provider = provider
        self.lifetime = lifetime
        self.now = now
    }

    /// The login for a repository, if there is one, and whether it was asked for just now.
    ///
    /// - Parameter anew: not to be satisfied with one that was asked for before.
    func login(
        domain: String,
        repository: String,
        anew: Bool
    ) async throws -> (login: RegistryCredentials?, isFresh: Bool) {
        let key = Key(domain: domain, repository: repository)
        if !anew, let entry = entries.withLock({ $0[key] }), entry.expiry > now() { return (entry.login, false) }
        let login = try await provider.credentials(domain: domain, repository: repository)
        entries.withLock { entries in
            let now = now()
            entries = entries.filter { $0.value.expiry > now }
            entries[key] = Entry(login: login, expiry: now + lifetime)
        }
        return (login, true)
    }
}
