// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import SandboxModels

/// A refusal as clients read it: a status and a body of `code` and `message`.
struct APIError: Error, Equatable {
    var status: HTTPResponse.Status
    /// One of the words that SDKs compare with.
    var code: String
    /// A sentence for people; it tells nothing about the server's inside.
    var message: String
    /// Headers that belong to the refusal.
    var headers: HTTPFields = [:]

    init(_ status: HTTPResponse.Status, _ code: String, _ message: String, headers: HTTPFields = [:]) {
        self.status = status
        self.code = code
        self.message = message
        self.headers = headers
    }
}

extension APIError {
    /// The code of everything that has none of its own.
    static let unknownCode = "GENERAL::UNKNOWN_ERROR"

    static let notFound = APIError(.notFound, unknownCode, "Not Found")

    static func methodNotAllowed(allowed: [HTTPRequest.Method]) -> APIError {
        let allow = allowed.map(\.rawValue).sorted().joined(separator: ", ")
        return APIError(.methodNotAllowed, unknownCode, "Method Not Allowed", headers: [.allow: allow])
    }

    static func bodyTooLarge(limit: Int) -> APIError {
        APIError(.contentTooLarge, unknownCode, "The request's body is larger than \(limit) bytes.")
    }

    static func bodyTooSlow(limit: Duration) -> APIError {
        APIError(
            .requestTimeout,
            unknownCode,
            "The request's body did not come in within \(limit.components.seconds) s (server.timeout_request_body).",
            headers: [.connection: "close"]
        )
    }

    static let bodyUnreadable = APIError(
        .badRequest,
        unknownCode,
        "The request's body is not as HTTP says that bodies are sent, or ended too early.",
        headers: [.connection: "close"]
    )

    static let overloaded = APIError(
        .serviceUnavailable,
        unknownCode,
        "The server is working on as many requests as it is allowed to (server.limit_concurrency). Try again.",
        headers: [.retryAfter: "1"]
    )

    static let missingKey = APIError(
        .unauthorized,
        "MISSING_API_KEY",
        "Authentication credentials are missing. Send the API key in the OPEN-SANDBOX-API-KEY header."
    )

    static let invalidKey = APIError(
        .unauthorized,
        "INVALID_API_KEY",
        "Authentication credentials are invalid. Check your API key and try again."
    )

    static func invalidParameter(_ message: String) -> APIError {
        APIError(.badRequest, "SANDBOX::INVALID_PARAMETER", message)
    }

    static func notSupported(_ message: String) -> APIError {
        APIError(.badRequest, "SANDBOX::API_NOT_SUPPORTED", message)
    }

    /// What clients hear about a fault of the server itself; the log says more, under the request's id.
    static let internalError = APIError(
        .internalServerError,
        unknownCode,
        "An unexpected error occurred. The server's log tells more under this response's X-Request-ID."
    )
}
