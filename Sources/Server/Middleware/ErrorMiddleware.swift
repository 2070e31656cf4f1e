// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Hummingbird
import Logging
import SandboxModels

/// Turns every error into the response that clients of the API understand.
struct ErrorMiddleware: RouterMiddleware {
    typealias Context = APIRequestContext

    private struct Body: Encodable {
        var code: String
        var message: String
    }

    private struct ValidationBody: Encodable {
        var detail: [ValidationIssue]
    }

    func handle(
        _ request: Request,
        context: APIRequestContext,
        next: (Request, APIRequestContext) async throws -> Response
    ) async throws -> Response {
        do {
            return try await next(request, context)
        } catch {
            var response = try Self.response(to: error, request, context)
            // A body after the head of a HEAD would be read as the beginning of the next response.
            if request.method == .head { response.body = ResponseBody() }
            return response
        }
    }

    private static func response(
        to error: any Error,
        _ request: Request,
        _ context: APIRequestContext
    ) throws -> Response {
        if let error = error as? ValidationError {
            return try Response(.unprocessableContent, json: ValidationBody(detail: error.issues))
        }
        let answer = APIError(error)
        if answer.status.kind == .serverError, answer != .overloaded {
            context.logger.error(
                "A request failed",
                metadata: [
                    "method": .string(request.method.rawValue),
                    "path": .string(request.uri.path),
                    "error": .string(String(describing: error)),
                ]
            )
        }
        let body = Body(code: answer.code, message: answer.message)
        return try Response(answer.status, json: body, headers: answer.headers)
    }
}
