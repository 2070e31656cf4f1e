// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Hummingbird
import Synchronization

/// Refuses requests (503) while as many are being worked on as the configuration allows, so that a flood costs bounded
/// memory. Probes pass: a busy server is not a dead one.
final class ConcurrencyLimitMiddleware: RouterMiddleware {
    typealias Context = APIRequestContext

    private let limit: Int
    private let running = Mutex(0)

    init(limit: Int) {
        self.limit = limit
    }

    func handle(
        _ request: Request,
        context: APIRequestContext,
        next: (Request, APIRequestContext) async throws -> Response
    ) async throws -> Response {
        if OpenPaths.contain(request.uri.path) { return try await next(request, context) }
        let admitted = running.withLock { count in
            guard count < limit else { return false }
            count += 1
            return true
        }
        guard admitted else { throw APIError.overloaded }
        defer { running.withLock { $0 -= 1 } }
        return try await next(request, context)
    }
}
