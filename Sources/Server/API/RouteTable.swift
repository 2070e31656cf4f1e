// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Hummingbird

/// The routes of the API, collected so that each can be mounted twice (at `/` and at `/v1`) and so that a known path
/// answers 405, not 404, to a method that it does not have.
struct RouteTable {
    typealias Handler = @Sendable (Request, APIRequestContext) async throws -> Response

    private var handlers: [String: [HTTPRequest.Method: Handler]] = [:]

    /// Where every route is found.
    static let mounts = ["", "/v1"]

    private static let methods: [HTTPRequest.Method] = [.get, .head, .post, .put, .patch, .delete, .options]

    /// Adds a route.
    ///
    /// - Parameter path: The way below a mount, such as `/sandboxes/:id`.
    mutating func add(_ method: HTTPRequest.Method, _ path: String, _ handler: @escaping Handler) {
        handlers[path, default: [:]][method] = handler
    }

    /// Mounts all routes.
    func mount(on router: Router<APIRequestContext>) {
        for (path, byMethod) in handlers {
            let refusal = APIError.methodNotAllowed(allowed: Array(byMethod.keys))
            for mount in Self.mounts {
                for method in Self.methods {
                    let handler = byMethod[method] ?? { _, _ in throw refusal }
                    router.on(RouterPath(mount + path), method: method, use: handler)
                }
            }
        }
    }
}

extension APIRequestContext {
    /// A part of the path, decoded.
    func pathParameter(_ name: String) -> String {
        QueryParameters.percentDecoded((parameters.get(name) ?? "").utf8)
    }
}
