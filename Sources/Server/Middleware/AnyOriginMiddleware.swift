// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Hummingbird

/// Lets web pages of any origin use the API: any method, any header, with credentials. What protects the API is its key,
/// which no browser sends by itself.
struct AnyOriginMiddleware: RouterMiddleware {
    typealias Context = APIRequestContext

    private static let methods = "DELETE, GET, HEAD, OPTIONS, PATCH, POST, PUT"

    func handle(
        _ request: Request,
        context: APIRequestContext,
        next: (Request, APIRequestContext) async throws -> Response
    ) async throws -> Response {
        guard let origin = request.headers[.origin] else { return try await next(request, context) }
        // A browser asks first, and without the key, whether it may send the real request.
        let isPreflight = request.method == .options && request.headers[.accessControlRequestMethod] != nil
        var response = isPreflight ? Self.preflight(request) : try await next(request, context)
        // `*` is no origin for requests with credentials, so the page's own is repeated.
        response.headers[.accessControlAllowOrigin] = origin
        response.headers[.accessControlAllowCredentials] = "true"
        response.headers[values: .vary].append("Origin")
        response.headers[.accessControlExposeHeaders] = HTTPField.Name.requestID.rawName
        return response
    }

    private static func preflight(_ request: Request) -> Response {
        var headers: HTTPFields = [
            .accessControlAllowMethods: methods,
            .accessControlMaxAge: "600",
            .contentLength: "0",
        ]
        headers[.accessControlAllowHeaders] = request.headers[.accessControlRequestHeaders]
        return Response(status: .ok, headers: headers)
    }
}
