// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import KubeModels
import Logging
import NIOCore
import NIOHTTP1

import struct Foundation.Date

/// Sends requests: authorised, spaced out and repeated as it has to be.
struct KubeTransport: Sendable {
    let connections: KubeConnections
    let configuration: KubeClientConfiguration
    let authenticator: Authenticator
    private(set) var limiter: RateLimiter
    let measures: RequestMetrics
    let logger: Logger
    private let heads: RequestHeads
    /// Whether it has connections that nothing else uses.
    private(set) var isReserved = false

    init(
        connections: KubeConnections,
        configuration: KubeClientConfiguration,
        authenticator: Authenticator,
        limiter: RateLimiter,
        measures: RequestMetrics,
        logger: Logger
    ) {
        self.connections = connections
        self.configuration = configuration
        self.authenticator = authenticator
        self.limiter = limiter
        self.measures = measures
        self.logger = logger
        heads = RequestHeads(configuration)
    }

    /// The same, with connections and a limit of its own.
    func reserved(_ limit: RateLimit) -> KubeTransport {
        var transport = self
        transport.limiter = RateLimiter(limit)
        transport.isReserved = true
        return transport
    }

    /// Returns when a request may be sent.
    ///
    /// - Throws: `CancellationError`.
    func awaitTurn(of request: KubeRequest) async throws {
        let start = ContinuousClock.now
        try await limiter.wait()
        measures.waited(request, .now - start)
    }

    /// Sends a request, again after failures that may pass, and returns its answer if it is a good one.
    ///
    /// - Throws: `KubeError`, or `CancellationError`.
    func send(_ request: KubeRequest) async throws -> KubeAnswer {
        var attempt = 1
        while true {
            do {
                return try await sendOnce(request)
            } catch let failure as TransientFailure {
                let isAllowed = request.isRepeatable || failure.isHarmless
                guard isAllowed, attempt < configuration.retry.attempts else { throw failure.error }
                try await pause(after: failure, attempt: attempt, of: request)
                attempt += 1
            }
        }
    }

    /// Sends a request and reads its answer.
    ///
    /// - Throws: `KubeError`, or `CancellationError`.
    func answer<Answer: JSONConvertible>(
        to request: KubeRequest,
        as type: Answer.Type = Answer.self
    ) async throws -> Answer {
        try await read(body(of: send(request), to: request), of: request)
    }

    /// Sends a request once, or twice if the credentials were refused and there are others.
    ///
    /// - Throws: `TransientFailure` for what may pass, else `KubeError`, or `CancellationError`.
    func sendOnce(_ request: KubeRequest) async throws -> KubeAnswer {
        try await awaitTurn(of: request)
        let authorization = try await authenticator.authorization()
        var response = try await execute(request, authorization)
        if response.head.code == 401,
            let other = try await authenticator.replacement(for: authorization)
        {
            await drain(response)
            response = try await execute(request, other)
        }
        return try await check(response, request)
    }

    /// Waits before a request is sent again.
    func pause(after failure: TransientFailure, attempt: Int, of request: KubeRequest) async throws {
        measures.repeated(request)
        let delay = configuration.retry.delay(after: attempt, retryAfter: failure.retryAfter)
        logger.debug(
            "a request to the API server failed and is repeated",
            metadata: ["attempt": "\(attempt)", "delay": "\(delay)", "error": "\(failure.error)"]
        )
        try await configuration.retry.sleep(delay)
    }

    /// Reads an answer's whole body.
    func body(of response: KubeAnswer, to request: KubeRequest) async throws -> ByteBuffer {
        do {
            return try await response.body.collect(upTo: configuration.answerLimit)
        } catch is NIOTooManyBytesError {
            throw tooLarge(request)
        } catch {
            let failure = failure(error, of: request)
            throw (failure as? TransientFailure)?.error ?? failure
        }
    }

    /// An error about an answer of which nobody wants to read so much.
    func tooLarge(_ request: KubeRequest) -> KubeError {
        request.fault(
            .tooLarge,
            "the answer has more than \(configuration.answerLimit) bytes",
            advice: "ask for less, such as pages of a list"
        )
    }

    /// Reads a document of an answer.
    func read<Answer: JSONConvertible>(_ body: ByteBuffer, of request: KubeRequest) throws(KubeError) -> Answer {
        do {
            return try body.withUnsafeReadableBytes { bytes in
                Result { () throws(JSONError) in try Answer(json: bytes) }
            }.get()
        } catch {
            throw malformed(error, body, request)
        }
    }

    /// An error about a document that is not what it should be.
    func malformed(_ error: JSONError, _ body: ByteBuffer, _ request: KubeRequest) -> KubeError {
        let start = body.getBytes(at: body.readerIndex, length: min(body.readableBytes, 40)) ?? []
        let isJSON = start.first { !" \t\r\n".utf8.contains($0) } == UInt8(ascii: "{")
        let sample = isJSON ? "" : "; it begins with '\(String(decoding: start, as: UTF8.self).onOneLine(limit: 40))'"
        return request.fault(.malformedAnswer, "in the answer \(error)\(sample)", cause: error)
    }

    // MARK: Parts

    private func execute(
        _ request: KubeRequest,
        _ authorization: Authorization
    ) async throws -> KubeAnswer {
        let message = try KubeMessage(request, to: configuration.server, heads.head(of: authorization))
        let start = ContinuousClock.now
        do {
            let response = try await connections.execute(
                message,
                authorization,
                isReserved: isReserved,
                limit: configuration.answerLimit
            )
            measures.sent(request, code: response.head.code, in: .now - start)
            reportWarnings(of: response, to: request)
            return response
        } catch {
            measures.sent(request, code: nil, in: .now - start)
            throw failure(error, of: request)
        }
    }

    /// The headers of requests that become something other than HTTP.
    func headers(_ request: KubeRequest, _ authorization: Authorization) throws(KubeError) -> HTTPHeaders {
        var headers = try heads.head(of: authorization).headers
        headers.add(name: "Accept", value: request.accept)
        return headers
    }

    private func check(_ response: KubeAnswer, _ request: KubeRequest) async throws -> KubeAnswer {
        if 200..<300 ~= response.head.code { return response }
        let error = await fault(of: response, to: request)
        let retryAfter = Self.retryAfter(response.head, error.status)
        switch response.head.code {
        case 429: throw TransientFailure(error: error, retryAfter: retryAfter, isHarmless: true)
        case 408, 500, 502...599: throw TransientFailure(error: error, retryAfter: retryAfter)
        default: throw error
        }
    }

    /// Reads the little that is left of an answer, so that its connection can be used again.
    private func drain(_ response: KubeAnswer) async {
        _ = try? await response.body.collect(upTo: 64 << 10)
    }

    /// What the server wants people to know, such as that a version is going to be removed.
    private func reportWarnings(of response: KubeAnswer, to request: KubeRequest) {
        for warning in response.head.values("Warning", atMost: 5) where warning.hasPrefix("299 ") {
            logger.warning(
                "the API server warns",
                metadata: [
                    "request": "\(request.operation) \(request.subject)", "warning": "\(warning.onOneLine(limit: 300))",
                ]
            )
        }
    }

    /// How long the server wants us to wait.
    private static func retryAfter(_ head: AnswerHead, _ status: Status?) -> Duration? {
        let header = head.first("Retry-After").flatMap { Int64($0) }
        guard let seconds = header ?? status?.details?.retryAfterSeconds.map(Int64.init), seconds >= 0 else {
            return nil
        }
        return .seconds(min(seconds, 86400))
    }
}

/// A failure that may pass if the request is sent again.
struct TransientFailure: Error {
    let error: KubeError
    var retryAfter: Duration?
    /// Whether it is certain that nothing has happened.
    var isHarmless = false
}
