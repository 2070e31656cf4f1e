// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Hummingbird

/// Lets web pages of any origin use the API: any method, any header, with credentials. What protects the API is its key,
/// which no browser sends by itself.
enum AnyOrigin {
    private static let methods = "DELETE, GET, HEAD, OPTIONS, PATCH, POST, PUT"

    /// Whether a browser asks, without the key, if it may send the real request.
    static func isPreflight(_ request: Request) -> Bool {
        request.method == .options && request.headers[.origin] != nil
            && request.headers[.accessControlRequestMethod] != nil
    }

    static func preflight(_ request: Request) -> Response {
        var headers: HTTPFields = [
            .accessControlAllowMethods: methods,
            .accessControlMaxAge: "600",
            .contentLength: "0",
        ]
        headers[.accessControlAllowHeaders] = request.headers[.accessControlRequestHeaders]
        return Response(status: .ok, headers: headers)
    }

    /// Lets the page read the response that it has asked for.
    static func allow(_ request: Request, _ response: inout Response) {
        guard let origin = request.headers[.origin] else { return }
        // `*` is no origin for requests with credentials, so the page's own is repeated.
        response.headers[.accessControlAllowOrigin] = origin
        response.headers[.accessControlAllowCredentials] = "true"
        response.headers[values: .vary].append("Origin")
        response.headers[.accessControlExposeHeaders] = HTTPField.Name.requestID.rawName
    }
}
