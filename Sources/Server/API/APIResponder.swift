// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Hummingbird
import Logging
import SandboxModels

/// Answers every request: finds out where it leads and whose it is, lets in what may come in, and tells of it afterwards.
///
/// All of it stands in one function, in the order in which it happens: most requests are so quick that passing them
/// through a chain of middleware would take longer than they do.
struct APIResponder: HTTPResponder {
    typealias Context = APIRequestContext

    let tree: RouteTree
    let tenants: Tenants
    let proxy: ProxyEntrance
    /// The E2B API, if it is served.
    let e2b: E2BEntrance?
    let concurrency: ConcurrencyLimit
    let rates: RateLimits?
    let metrics: ServerMetrics
    /// How long a request's body may take to come in.
    let bodyTimeout: Duration

    func respond(to request: Request, context: APIRequestContext) async throws -> Response {
        var context = context
        let report = RequestReport(began: .now, request)
        context.requestID = RequestName.of(request)
        metrics.requestBegan()
        var response: Response
        let e2bTarget = e2b?.target(of: request)
        do {
            // Who only reads leaves nothing behind that could bear the name.
            if request.method == .get {
                response = try await admitted(request, e2bTarget, &context)
            } else {
                response = try await RequestID.$current.withValue(RequestID(nearest: context.requestID)) {
                    try await admitted(request, e2bTarget, &context)
                }
            }
        } catch  where e2bTarget != nil {
            response = try E2BErrorAnswer.response(to: error, request, context, metrics)
        } catch {
            response = try ErrorAnswer.response(to: error, request, context, metrics)
        }
        AnyOrigin.allow(request, &response)
        response.headers[.requestID] = context.requestID
        report.end(&response, context, metrics)
        return response
    }

    /// The answer to a request that is let in.
    ///
    /// - Throws: What stands against it, and what its handler throws.
    private func admitted(
        _ request: Request,
        _ e2bTarget: E2BTarget?,
        _ context: inout APIRequestContext
    ) async throws -> Response {
        if AnyOrigin.isPreflight(request) { return AnyOrigin.preflight(request) }
        if let e2b, let e2bTarget {
            try concurrency.enter()
            defer { concurrency.leave() }
            return try await RequestBodyTime.$limit.withValue(bodyTimeout) {
                try await e2b.answer(request, e2bTarget, rates, &context)
            }
        }
        if let match = tree.match(request.pathAsSent) {
            context.route = tree.routes[match.place]
            context.pathValues = match.values
        }
        // A busy server is not a dead one.
        if let route = context.route, route.access == .probe {
            return try await route.handler(for: request.method)(request, context)
        }
        try concurrency.enter()
        defer { concurrency.leave() }
        if context.route == nil, let response = try await proxy.answer(request, &context) { return response }
        if context.route?.access != .open {
            let tenant = try tenants.tenant(offering: request.headers[.apiKey])
            context.tenant = tenant
            try rates?.admit(tenant.name)
        }
        // Who has no key is not told what there is.
        guard let route = context.route else { throw APIError.notFound }
        let handler = try route.handler(for: request.method)
        if request.method == .get || route.isStream { return try await handler(request, context) }
        return try await RequestBodyTime.$limit.withValue(bodyTimeout) { [context] in
            try await handler(request, context)
        }
    }

    /// Whether a path is answered however busy the server is.
    func isProbe(_ path: Substring) -> Bool {
        tree.match(path).map { tree.routes[$0.place].access == .probe } ?? false
    }
}

extension Request {
    /// The path as it came, without the query.
    var pathAsSent: Substring {
        guard let target = head.path, target.utf8.first == UInt8(ascii: "/") else { return uri.path[...] }
        return target.utf8.firstIndex(of: UInt8(ascii: "?")).map { target[..<$0] } ?? target[...]
    }
}
