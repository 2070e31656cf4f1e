// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import NIOCore
import NIOHTTP1
import Synchronization

import struct Foundation.Data

/// Convinces registries: remembers what each of them asked for, and answers with a login or a token.
final class Authenticator: Sendable {
    /// What a registry asked for when it last refused a request.
    private enum Scheme {
        case basic
        case bearer(realm: WebAddress, service: String?)
    }

    private let logins: LoginCache
    private let tokens: TokenCache
    private let schemes = Mutex<[String: Scheme]>([:])

    init(credentials: CredentialsProvider, tokens: TokenCache = TokenCache()) {
        self.logins = LoginCache(credentials)
        self.tokens = tokens
    }

    /// The `Authorization` to begin with: none until the registry has asked for one, so that nothing is shown to a
    /// registry that does not want it.
    func authorization(for request: RegistryRequest, using transport: RegistryTransport) async throws -> String? {
        guard let scheme = schemes.withLock({ $0[request.origin.authority] }) else { return nil }
        return try await authorization(scheme, request, scopes: request.scopes, refused: nil, transport)
    }

    /// The `Authorization` that answers a 401; `nil` if there is none, or none but the one that was refused.
    func answer(
        _ challenges: [Challenge],
        to request: RegistryRequest,
        refused: String?,
        using transport: RegistryTransport
    ) async throws -> String? {
        if let challenge = challenges.first(where: { $0.scheme == "bearer" }),
            let realm = challenge.parameters["realm"].flatMap({ WebAddress($0) })
        {
            try transport.checkSecurity(of: realm, for: request)
            let scheme = Scheme.bearer(realm: realm, service: challenge.parameters["service"])
            schemes.withLock { $0[request.origin.authority] = scheme }
            let asked = (challenge.parameters["scope"] ?? "").split(separator: " ").compactMap { AccessScope($0) }
            return try await authorization(scheme, request, scopes: request.scopes + asked, refused: refused, transport)
        }
        if challenges.contains(where: { $0.scheme == "basic" }) {
            schemes.withLock { $0[request.origin.authority] = .basic }
            return try await authorization(.basic, request, scopes: [], refused: refused, transport)
        }
        return nil
    }

    private func authorization(
        _ scheme: Scheme,
        _ request: RegistryRequest,
        scopes: [AccessScope],
        refused: String?,
        _ transport: RegistryTransport
    ) async throws -> String? {
        func login(anew: Bool) async throws -> (login: RegistryCredentials?, isFresh: Bool) {
            try await logins.login(domain: request.domain, repository: request.repository, anew: anew)
        }
        let (first, isFresh) = try await login(anew: refused != nil)
        do {
            return try await header(scheme, first, request, scopes: scopes, refused: refused, transport)
        } catch let error as RegistryError where error.isUnauthorized && !isFresh {
            // The token service does not know a login that was kept for a moment; it may have been replaced meanwhile.
            let second = try await login(anew: true).login
            guard second != first else { throw error }
            return try await header(scheme, second, request, scopes: scopes, refused: refused, transport)
        }
    }

    private func header(
        _ scheme: Scheme,
        _ login: RegistryCredentials?,
        _ request: RegistryRequest,
        scopes: [AccessScope],
        refused: String?,
        _ transport: RegistryTransport
    ) async throws -> String? {
        let header: String?
        switch (scheme, login) {
        case (_, .registryToken(let token)):
            header = "Bearer \(token)"
        case (.basic, .basic(let username, let password)):
            header = Self.basic(username, password)
        case (.basic, _):
            header = nil
        case (.bearer(let realm, let service), _):
            let scopes = AccessScope.union(scopes).map(\.written)
            let key = TokenCache.Key(realm: realm.text, service: service, scopes: scopes, credentials: login)
            let refusedToken = refused.flatMap { $0.hasPrefix("Bearer ") ? String($0.dropFirst("Bearer ".count)) : nil }
            let fetch = TokenFetch(key: key, realm: realm, request: request, transport: transport)
            let token = try await tokens.token(for: key, refused: refusedToken) { try await fetch.run() }
            header = "Bearer \(token.value)"
        }
        return header == refused ? nil : header
    }

    /// The header of a login by user and password.
    static func basic(_ username: String, _ password: String) -> String {
        "Basic \(Data("\(username):\(password)".utf8).base64EncodedString())"
    }
}
