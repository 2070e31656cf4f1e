// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Hummingbird
import SandboxModels

/// Takes requests that go to the ports of sandboxes, whatever their method, out of the way of the API's own.
///
/// They need no key: whoever knows a sandbox's identity may reach its ports, unless the sandbox has a token of its own. A key
/// that is sent has to be its tenant's all the same.
struct ProxyEntrance: Sendable {
    let proxy: SandboxProxy

    /// What these requests are called in the log and in measurements.
    static let route: Route = {
        var table = RouteTable()
        table.addAny("/sandboxes/:id/proxy/:port/**", access: .open) { _, _ in throw APIError.notFound }
        return table.routes[0]
    }()

    /// The answer to a request, if it is meant for a port of a sandbox.
    func answer(_ request: Request, _ context: inout APIRequestContext) async throws -> Response? {
        guard ProxyPath.isMeant(by: request.uri.string) else { return nil }
        context.route = Self.route
        guard let path = try Self.path(request.uri.string) else { return nil }
        let tenant = try owner(request)
        context.tenant = tenant
        let target = ProxyTarget(
            key: Waker.Key(tenant: tenant.name, sandboxID: path.sandboxID),
            runtime: tenant.runtime,
            port: path.port,
            target: path.target,
            prefix: path.prefix,
            countsAsAccess: request.headers[.accessRenew] != "skip"
        )
        return try await proxy.respond(to: request, for: target)
    }

    private static func path(_ target: String) throws(APIError) -> ProxyPath? {
        do {
            return try ProxyPath(target)
        } catch {
            throw APIError(error)
        }
    }

    /// Whose sandbox it has to be.
    private func owner(_ request: Request) throws(APIError) -> Tenant {
        let offered = request.headers[.apiKey]
        let all = proxy.tenants.all
        // With one tenant there is no question. Of several, nobody is to learn of another one's sandboxes by trying.
        if offered == nil, all.count == 1, let only = all.first { return only }
        return try proxy.tenants.tenant(offering: offered)
    }
}
