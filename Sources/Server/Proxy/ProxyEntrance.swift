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
        let tenant = try await owner(of: path.sandboxID, request)
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

    /// Whose a sandbox is.
    private func owner(of id: String, _ request: Request) async throws -> Tenant {
        if let key = request.headers[.apiKey] { return try proxy.tenants.tenant(offering: key) }
        let missing = SandboxError(.notFound, "There is no sandbox '\(id)'.")
        // With one tenant there is no question; whether the sandbox exists is found out soon.
        if proxy.tenants.all.count == 1, let only = proxy.tenants.all.first { return only }
        var failure: any Error = missing
        for tenant in proxy.tenants.all {
            do {
                _ = try await tenant.runtime.sandbox(id)
                return tenant
            } catch let error as SandboxError where error.code == .notFound {
                continue
            } catch {
                failure = error
            }
        }
        throw failure
    }
}
