// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import AsyncHTTPClient
import Logging
import NIOCore
import NIOHTTP1

import struct Foundation.Date

/// Sends requests: authorised, redirected and repeated as it has to be.
struct RegistryTransport: Sendable {
    let connections: RegistryConnections
    let configuration: RegistryConfiguration
    let authenticator: Authenticator
    let logger: Logger
    /// Shared by all repositories of one client.
    let referrerTurns = ReferrerTurns()

    private static let redirects: Set<UInt> = [301, 302, 303, 307, 308]
    private static let redirectLimit = 5
    /// How much of an answer that nobody wants is read to keep its connection.
    private static let drainLimit = 64 << 10

    /// Sends a request, again after failures that may pass, and returns its answer if it is one that the request
    /// accepts.
    ///
    /// - Throws: `RegistryError`, or `CancellationError`.
    func send(_ request: RegistryRequest) async throws -> HTTPClientResponse {
        try await repeating(request) { try await sendOnce(request) }
    }

    /// The same with an `Authorization` of the caller's own; a 401 is an error.
    func send(_ request: RegistryRequest, authorization: String?) async throws -> HTTPClientResponse {
        try await repeating(request) {
            let response = try await follow(request, authorization: authorization)
            return try await check(response, request, wasAuthorized: authorization != nil)
        }
    }

    /// Sends a request once (twice if the registry wants another token), and follows its redirects.
    ///
    /// - Throws: `TransientFailure` for what may pass, else `RegistryError`, or `CancellationError`.
    func sendOnce(_ request: RegistryRequest) async throws -> HTTPClientResponse {
        var authorization = try await authenticator.authorization(for: request, using: self)
        var response = try await follow(request, authorization: authorization)
        if response.status == .unauthorized {
            let challenges = Challenge.parse(response.headers["WWW-Authenticate"])
            let answer = try await authenticator.answer(
                challenges,
                to: request,
                refused: authorization,
                using: self
            )
            if let answer {
                await drain(response)
                authorization = answer
                response = try await follow(request, authorization: authorization)
            }
        }
        return try await check(response, request, wasAuthorized: authorization != nil)
    }

    private func repeating(
        _ request: RegistryRequest,
        _ body: () async throws -> HTTPClientResponse
    ) async throws -> HTTPClientResponse {
        var attempt = 1
        while true {
            do {
                return try await body()
            } catch let failure as TransientFailure {
                guard request.isRepeatable, attempt < configuration.retry.attempts else { throw failure.error }
                try await pause(after: failure, attempt: attempt)
                attempt += 1
            }
        }
    }

    /// Waits before a request is sent again.
    func pause(after failure: TransientFailure, attempt: Int) async throws {
        let delay = configuration.retry.delay(after: attempt, retryAfter: failure.retryAfter)
        logger.debug(
            "a registry request failed and is repeated",
            metadata: ["attempt": "\(attempt)", "delay": "\(delay)", "error": "\(failure.error)"]
        )
        try await configuration.retry.sleep(delay)
    }

    private func check(
        _ response: HTTPClientResponse,
        _ request: RegistryRequest,
        wasAuthorized: Bool
    ) async throws -> HTTPClientResponse {
        if request.accepts.contains(response.status.code) { return response }
        let error = await fault(of: response, to: request, wasAuthorized: wasAuthorized)
        switch response.status.code {
        // 499: it has taken our connection for broken.
        case 408, 425, 429, 499, 500, 502...599:
            throw TransientFailure(error: error, retryAfter: Self.retryAfter(response.headers))
        default:
            throw error
        }
    }

    /// Reads an answer's whole body.
    func body(of response: HTTPClientResponse, to request: RegistryRequest, limit: Int) async throws -> ByteBuffer {
        do {
            return try await response.body.collect(upTo: limit)
        } catch is NIOTooManyBytesError {
            throw request.fault(.tooLarge, "the answer has more than \(limit) bytes")
        } catch {
            let failure = failure(error, of: request)
            throw (failure as? TransientFailure)?.error ?? failure
        }
    }

    /// Reads the little that is left of an answer, so that its connection can be used again.
    func drain(_ response: HTTPClientResponse) async {
        _ = try? await response.body.collect(upTo: Self.drainLimit)
    }

    // MARK: Parts

    /// Sends a request and follows the redirects of those that only read.
    private func follow(_ request: RegistryRequest, authorization: String?) async throws -> HTTPClientResponse {
        var url = request.url
        for _ in 0...Self.redirectLimit {
            // Credentials are for the registry alone: storage that it redirects to must not see them.
            let isAtHome = url.hasSameOrigin(as: request.origin)
            let response = try await execute(request, at: url, authorization: isAtHome ? authorization : nil)
            guard Self.redirects.contains(response.status.code), request.method == .GET || request.method == .HEAD,
                let location = response.headers.first(name: "Location")
            else { return response }
            await drain(response)
            guard let next = url.resolving(location) else {
                throw request.fault(.unexpectedAnswer, "it redirects to something that is not a web address")
            }
            try checkSecurity(of: next, for: request)
            url = next
        }
        throw request.fault(.unexpectedAnswer, "it redirects more than \(Self.redirectLimit) times")
    }

    private func execute(
        _ request: RegistryRequest,
        at url: WebAddress,
        authorization: String?
    ) async throws -> HTTPClientResponse {
        var message = HTTPClientRequest(url: url.text)
        message.method = request.method
        message.headers = request.headers
        message.headers.replaceOrAdd(name: "User-Agent", value: configuration.userAgent)
        if let name = configuration.presentRequestName {
            message.headers.replaceOrAdd(name: "User-Agent", value: "\(configuration.userAgent) (request=\(name))")
            message.headers.replaceOrAdd(name: "X-Request-ID", value: name)
        }
        if let authorization { message.headers.replaceOrAdd(name: "Authorization", value: authorization) }
        if let body = request.body { message.body = .bytes(body) }
        // A body may take as long as it moves; `idleTimeout` watches that it does.
        let deadline: NIODeadline =
            request.body == nil ? .now() + TimeAmount(configuration.requestTimeout) : .distantFuture
        do {
            let response = try await connections.execute(message, to: url, deadline: deadline)
            reportWarnings(of: response, to: request)
            return response
        } catch {
            throw failure(error, of: request, at: url)
        }
    }

    /// What the registry wants people to know, such as that a repository is going to move (distribution specification
    /// 1.1).
    private func reportWarnings(of response: HTTPClientResponse, to request: RegistryRequest) {
        for warning in response.headers["Warning"].prefix(5) where warning.hasPrefix("299 ") {
            logger.warning(
                "a registry warns",
                metadata: ["registry": "\(request.domain)", "warning": "\(warning.onOneLine(limit: 300))"]
            )
        }
    }

    /// Refuses to leave TLS for a server that may not be spoken to without.
    func checkSecurity(of url: WebAddress, for request: RegistryRequest) throws(RegistryError) {
        guard url.scheme == "http", !configuration.plainHTTP.allows(url.authority) else { return }
        throw request.fault(
            .unexpectedAnswer,
            "it leads to \(url.authority) without TLS",
            advice: "allow plain HTTP for \(url.authority) if it is to be trusted"
        )
    }

    /// How long to wait: seconds, or a date, which is compared with the server's own clock if it tells the time.
    static func retryAfter(_ headers: HTTPHeaders, now: Date = Date()) -> Duration? {
        guard let text = headers.first(name: "Retry-After") else { return nil }
        let seconds: Int64
        if let number = Int64(text) {
            seconds = number
        } else if let date = HTTPDate(text) {
            let clock = headers.first(name: "Date").flatMap { HTTPDate($0)?.seconds }
            seconds = max(date.seconds - (clock ?? Int64(now.timeIntervalSince1970)), 0)
        } else {
            return nil
        }
        return seconds < 0 ? nil : .seconds(min(seconds, 86400))
    }
}

/// A failure that may pass if the request is sent again.
struct TransientFailure: Error {
    let error: RegistryError
    var retryAfter: Duration?
}
