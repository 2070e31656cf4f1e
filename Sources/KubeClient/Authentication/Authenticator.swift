// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import KubeModels
import NIOSSL
import Synchronization

import struct Foundation.Date

/// What shows a request's server who we are.
struct Authorization: Sendable {
    var bearerToken: String?
    var certificateChain: [NIOSSLCertificate] = []
    var privateKey: NIOSSLPrivateKey?
    /// Which reading of the credentials it is from.
    fileprivate(set) var generation = 0

    /// The configuration with the client certificate, if there is one.
    func apply(to tls: TLSConfiguration) -> TLSConfiguration {
        guard let privateKey else { return tls }
        var tls = tls
        tls.certificateChain = certificateChain.map { .certificate($0) }
        tls.privateKey = .privateKey(privateKey)
        return tls
    }
}

/// Reads credentials where they come from, keeps them for a while, and reads them again when they are old or refused.
final class Authenticator: Sendable {
    /// How long what was read from files is used. Kubernetes renews tokens long before they expire.
    static let fileLifetime = Duration.seconds(60)
    /// How long before its end a plugin's token is no more used.
    static let margin: Int64 = 10

    private struct Cached {
        var authorization: Authorization
        /// By the clock that does not jump.
        var goodUntil: ContinuousClock.Instant?
        /// By the clock of the world, as a plugin says it.
        var expiry: Timestamp?
    }

    private struct State {
        var cached: Cached?
        var generation = 0
    }

    private let credentials: KubeCredentials
    private let now: @Sendable () -> ContinuousClock.Instant
    private let date: @Sendable () -> Timestamp
    private let state = Mutex(State())
    private let reading = SingleFlight<Authorization>()

    init(
        _ credentials: KubeCredentials,
        now: @escaping @Sendable () -> ContinuousClock.Instant = { .now },
        date: @escaping @Sendable () -> Timestamp = { Timestamp(Date()) }
    ) {
        self.credentials = credentials
        self.now = now
        self.date = date
    }

    /// Whether other credentials can be had when these are refused.
    private var canChange: Bool {
        if case .file? = credentials.token { return true }
        if case .file? = credentials.certificate?.chain { return true }
        return usesPlugin
    }

    /// As `kubectl` has it: a program is asked if there is nothing else.
    private var usesPlugin: Bool {
        credentials.plugin != nil && credentials.token == nil && credentials.certificate == nil
    }

    /// What to show the server.
    ///
    /// - Parameter refused: what the server has just refused.
    /// - Throws: `KubeError` of kind `credentials` or `invalidConfiguration`, or `CancellationError`.
    func authorization(insteadOf refused: Authorization? = nil) async throws -> Authorization {
        if let good = cached(insteadOf: refused) { return good }
        return try await reading.run {
            // Whoever was first may have read what this one needs.
            if let good = cached(insteadOf: refused) { return good }
            return try await read()
        }
    }

    /// Other credentials than those that were refused; `nil` if there are none.
    func replacement(for refused: Authorization) async throws -> Authorization? {
        guard canChange else { return nil }
        return try await authorization(insteadOf: refused)
    }

    private func cached(insteadOf refused: Authorization?) -> Authorization? {
        state.withLock { state in
            guard let cached = state.cached, cached.authorization.generation != refused?.generation else { return nil }
            if let end = cached.goodUntil, end <= now() { return nil }
            if let expiry = cached.expiry, expiry.seconds - Self.margin <= date().seconds { return nil }
            return cached.authorization
        }
    }

    private func read() async throws -> Authorization {
        var authorization = Authorization()
        var expiry: Timestamp?
        if usesPlugin, let plugin = credentials.plugin {
            let answer = try await plugin.ask()
            authorization.bearerToken = answer.token.flatMap { $0.isEmpty ? nil : $0 }
            expiry = answer.expirationTimestamp
            if let chain = answer.clientCertificateData, let key = answer.clientKeyData, !chain.isEmpty {
                let source = PEMSource.bytes(Array(chain.utf8))
                authorization.certificateChain = try source.certificates(Array(chain.utf8))
                authorization.privateKey = try source.privateKey(Array(key.utf8))
            }
        } else {
            let credentials = credentials
            authorization = try await BlockingIO.run { try Self.read(credentials) }
        }
        return state.withLock { [authorization] state in
            state.generation += 1
            var fresh = authorization
            fresh.generation = state.generation
            let end = canChange && !usesPlugin ? now() + Self.fileLifetime : nil
            state.cached = Cached(authorization: fresh, goodUntil: end, expiry: expiry)
            return fresh
        }
    }

    /// Reads files. Blocks.
    private static func read(_ credentials: KubeCredentials) throws(KubeError) -> Authorization {
        var authorization = Authorization()
        switch credentials.token {
        case .literal(let token): authorization.bearerToken = token
        case .file(let path, let fallback):
            do {
                authorization.bearerToken = try token(in: path)
            } catch {
                guard let fallback else { throw error }
                authorization.bearerToken = fallback
            }
        case nil: break
        }
        if let pair = credentials.certificate {
            authorization.certificateChain = try pair.chain.certificates(try pair.chain.read())
            authorization.privateKey = try pair.key.privateKey(try pair.key.read())
        }
        return authorization
    }

    private static func token(in path: String) throws(KubeError) -> String {
        let file = ConfigurationFile(path: path)
        let text = String(decoding: try file.read(), as: UTF8.self)
        let token = text.filter { !$0.isWhitespace }
        guard !token.isEmpty, token.utf8.allSatisfy({ 0x21...0x7E ~= $0 }) else {
            var error = file.fault("it has no token")
            error.kind = .credentials
            throw error
        }
        return token
    }
}
