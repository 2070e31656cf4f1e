// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Hummingbird
import SandboxModels

/// A refusal as clients of the E2B API read it: a status and a body of `code`, the status again, and `message`.
struct E2BError: Error, Equatable {
    var status: HTTPResponse.Status
    /// A sentence for people; it tells nothing about the server's inside.
    var message: String
    /// One of E2B's words, where one fits.
    var word: String?
    /// Whether nothing of the request was done, so that it can be sent again as it is.
    var isUntouched = false
    /// Headers that belong to the refusal.
    var headers: HTTPFields = [:]

    init(_ status: HTTPResponse.Status, _ message: String, word: String? = nil) {
        self.status = status
        self.message = message
        self.word = word
    }

    /// A sandbox that is not there, or somebody else's: nobody learns which.
    static func noSandbox(_ id: String) -> E2BError { E2BError(.notFound, "Sandbox \(id) not found") }

    /// A snapshot or template that is not there, or somebody else's.
    static func noTemplate(_ id: String) -> E2BError { E2BError(.notFound, "Template \(id) not found") }

    /// A request that says something which cannot be.
    static func bad(_ message: String) -> E2BError { E2BError(.badRequest, message) }
}

extension E2BError {
    /// The one place where errors become statuses.
    init(_ error: any Error) {
        switch error {
        case let error as E2BError: self = error
        case let error as SandboxError: self.init(sandbox: error)
        case let error as ValidationError:
            let told = error.issues.map { issue in
                let place = issue.loc.dropFirst().map(\.text).joined(separator: ".")
                return place.isEmpty ? issue.msg : "\(place): \(issue.msg)"
            }
            self = .bad(told.joined(separator: "; "))
        default:
            let answer = APIError(error)
            self.init(answer.status, answer.message)
            headers = answer.headers
            isUntouched = answer == .overloaded || answer.status == .tooManyRequests
        }
    }

    private init(sandbox error: SandboxError) {
        switch error.code {
        case .notFound, .snapshotNotFound: self.init(.notFound, error.told)
        case .invalidState, .neverExpires, .snapshotBusy, .nameTaken: self.init(.conflict, error.told)
        case .requestKeyReused: self.init(.conflict, error.told, word: "idempotency_request_mismatch")
        case .snapshotSourceNotRunning, .snapshotNotReady, .snapshotNotRestorable, .templateNotFound, .poolNotFound,
            .invalidParameter, .hostPathNotAllowed, .invalidHostPath, .invalidSubPath, .invalidMountPath,
            .volumeNotFound, .unsupported, .poolsUnsupported:
            self = .bad(error.told)
        case .poolExists: self.init(.conflict, error.told)
        case .quotaExceeded: self.init(.forbidden, error.told)
        case .poolExhausted: self.init(.serviceUnavailable, error.told, word: "sandbox_capacity_unavailable")
        case .startTimedOut: self.init(.gatewayTimeout, error.told, word: "sandbox_placement_timeout")
        case .imageUnavailable, .startFailed, .hostPathUnavailable:
            self.init(.internalServerError, error.told, word: "sandbox_create_failed")
        case .addressUnavailable: self.init(.badGateway, error.told)
        case .runtimeUnavailable: self.init(.serviceUnavailable, error.told, word: "internal_server_error")
        }
    }
}

extension ValidationIssue.Step {
    /// For people.
    fileprivate var text: String {
        switch self {
        case .name(let name): name
        case .index(let index): "\(index)"
        }
    }
}

/// The response that clients of the E2B API understand, in place of an error.
enum E2BErrorAnswer {
    private struct Body: Encodable {
        var code: Int
        var message: String
        var error_code: String?
        var sandboxId: String?
        var port: Int?
    }

    static func response(
        to error: any Error,
        _ request: Request,
        _ context: APIRequestContext,
        _ metrics: ServerMetrics
    ) throws -> Response {
        let answer = E2BError(error)
        if answer.status.kind == .serverError, !answer.isUntouched {
            ErrorAnswer.tell(error, request, context)
        }
        metrics.failed(with: answer.word ?? "E2B::\(answer.status.code)")
        let body = Body(code: answer.status.code, message: answer.message, error_code: answer.word)
        var response = try Response(answer.status, json: body, headers: answer.headers)
        // SDKs send again by themselves what was answered 429, 502, 503 or 504, even what would be done twice then.
        if request.method != .get, !answer.isUntouched, [429, 502, 503, 504].contains(answer.status.code) {
            response.headers[.shouldRetry] = "false"
        }
        // A body after the head of a HEAD would be read as the beginning of the next response.
        if request.method == .head { response.body = ResponseBody() }
        return response
    }

    /// What is answered in place of a sandbox that cannot be reached.
    static func unreachable(_ address: E2BSandboxAddress, _ status: HTTPResponse.Status, _ message: String) throws
        -> Response
    {
        let body = Body(code: status.code, message: message, sandboxId: address.sandboxID, port: address.port)
        return try Response(status, json: body)
    }
}

extension HTTPField.Name {
    static let shouldRetry = known("Should-Retry")
    static let e2bKey = known("X-API-Key")
    static let nextToken = known("X-Next-Token")
    static let totalRunning = known("X-Total-Running")
    static let e2bSandboxID = known("E2b-Sandbox-Id")
    static let e2bSandboxPort = known("E2b-Sandbox-Port")
    static let snapshotKeepRunning = known("x-e2b-kruise-snapshot-keep-running")
    static let snapshotTTL = known("x-e2b-kruise-snapshot-ttl")
    static let snapshotContents = known("x-e2b-kruise-snapshot-persistent-contents")
    static let snapshotWait = known("x-e2b-kruise-snapshot-wait-success-seconds")
    static let pausedRetention = known("x-e2b-kruise-reserve-paused-sandbox-duration")
}
