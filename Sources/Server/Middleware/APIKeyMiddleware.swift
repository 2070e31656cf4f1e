// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Hummingbird

/// Lets only those in who know the API key. Without a configured key everybody is let in.
struct APIKeyMiddleware: RouterMiddleware {
    typealias Context = APIRequestContext

    let key: APIKey?

    func handle(
        _ request: Request,
        context: APIRequestContext,
        next: (Request, APIRequestContext) async throws -> Response
    ) async throws -> Response {
        if let key, !OpenPaths.contain(request.uri.path) {
            guard let offered = request.headers[.apiKey], !offered.isEmpty else { throw APIError.missingKey }
            guard key.matches(offered) else { throw APIError.invalidKey }
        }
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
