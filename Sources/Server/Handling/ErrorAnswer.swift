// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Hummingbird
import Logging
import SandboxModels

/// The response that clients of the API understand, in place of an error.
enum ErrorAnswer {
    private struct Body: Encodable {
        var code: String
        var message: String
    }

    private struct ValidationBody: Encodable {
        var detail: [ValidationIssue]
    }

    static func response(
        to error: any Error,
        _ request: Request,
        _ context: APIRequestContext,
        _ metrics: ServerMetrics
    ) throws -> Response {
        var response: Response
        if let error = error as? ValidationError {
            response = try Response(.unprocessableContent, json: ValidationBody(detail: error.issues))
        } else {
            let answer = APIError(error)
            tell(answer, error, request, context)
            metrics.failed(with: answer.code)
            let body = Body(code: answer.code, message: answer.message)
            response = try Response(answer.status, json: body, headers: answer.headers)
        }
        // A body after the head of a HEAD would be read as the beginning of the next response.
        if request.method == .head { response.body = ResponseBody() }
        return response
    }

    /// What clients hear of an internal error is not enough for those who run the server.
    private static func tell(
        _ answer: APIError,
        _ error: any Error,
        _ request: Request,
        _ context: APIRequestContext
    ) {
        guard answer.status.kind == .serverError, answer != .overloaded, answer.status != .notImplemented else {
            return
        }
        tell(error, request, context)
    }

    /// Writes down why a request has failed that was as it should be.
    static func tell(_ error: any Error, _ request: Request, _ context: APIRequestContext) {
        context.logger.error(
            "A request failed",
            metadata: [
                "method": .string(request.method.rawValue),
                "path": .string(String(request.pathAsSent)),
                "error": .string(String(describing: error)),
            ]
        )
    }
}
