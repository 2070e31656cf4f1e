// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Hummingbird
import SandboxModels

/// What a sandbox may reach, which its egress sidecar knows: requests go there.
struct NetworkPolicyRoutes {
    let proxy: SandboxProxy

    /// Where a sidecar listens.
    private static let port = 18080

    func add(to routes: inout RouteTable) {
        for method in [HTTPRequest.Method.get, .put, .patch, .delete] {
            routes.add(method, "/sandboxes/:id/networkpolicy", answer)
        }
    }

    @Sendable private func answer(_ request: Request, _ context: APIRequestContext) async throws -> Response {
        let id = context.pathParameter("id")
        let runtime = try context.runtime
        _ = try await runtime.sandbox(id)
        // Who has a sidecar has a token for it.
        let headers = try await runtime.endpointHeaders(id, port: Self.port)
        guard headers.keys.contains(where: { $0.lowercased() == HTTPField.Name.egressAuthorization.canonicalName }) else {
            throw APIError.notSupported("The sandbox '\(id)' has no network policy; it was created without one.")
        }
        let target = ProxyTarget(
            key: Waker.Key(tenant: context.tenant?.name ?? "", sandboxID: id),
            runtime: runtime,
            port: Self.port,
            target: "/policy",
            prefix: "",
            isInternal: true,
            countsAsAccess: false
        )
        return try await proxy.respond(to: request, for: target)
    }
}
