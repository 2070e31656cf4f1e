// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Hummingbird

/// Finds out whose request it is, and lets nobody else in.
struct AuthenticationMiddleware: RouterMiddleware {
    typealias Context = APIRequestContext

    let tenants: Tenants

    func handle(
        _ request: Request,
        context: APIRequestContext,
        next: (Request, APIRequestContext) async throws -> Response
    ) async throws -> Response {
        if OpenPaths.contain(request.uri.path) { return try await next(request, context) }
        var context = context
        context.tenant = try tenants.tenant(offering: request.headers[.apiKey])
        return try await next(request, context)
    }
}

/// The paths that are answered whoever asks, however busy the server is.
enum OpenPaths {
    static func contain(_ path: String) -> Bool {
        paths.contains(path)
    }

    private static let paths = Set(RouteTable.mounts.flatMap { mount in ServiceRoutes.paths.map { mount + $0 } })
}
