// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Hummingbird
import SandboxModels

import struct Foundation.Date

/// Takes requests to the ports of sandboxes, which SDKs send with the sandbox in headers, in the host or in the path.
///
/// They need no key, as on E2B itself, but the sandbox's own token; see ``E2BDataPlaneAccess``. What is not there or does not run is 502, which SDKs read as "is not running".
struct E2BDataPlane: Sendable {
    let runtime: any SandboxRuntime
    let proxy: SandboxProxy
    let now: @Sendable () -> Date

    /// What these requests are called in the log and in measurements.
    static let route: Route = {
        var table = RouteTable()
        table.addAny("/e2b/:sandbox/:port/**", access: .open) { _, _ in throw APIError.notFound }
        return table.routes[0]
    }()

    /// What requests to sandboxes are counted as, whoever sends them.
    private var tenant: Tenant { Tenant(name: "e2b", keys: [], runtime: runtime) }

    func answer(
        _ request: Request,
        _ address: E2BSandboxAddress,
        _ context: inout APIRequestContext
    ) async throws -> Response {
        context.tenant = tenant
        guard let port = address.port else {
            return try E2BErrorAnswer.unreachable(address, .badRequest, "The request names no port from 1 to 65535.")
        }
        guard !ProxyPath.climbs(address.target.prefix { $0 != "?" }), address.target.hasPrefix("/") else {
            return try E2BErrorAnswer.unreachable(address, .badRequest, "The path has a segment '..'.")
        }
        do {
            let sandbox = try await runtime.sandbox(address.sandboxID)
            guard sandbox.spec.owner != nil else { throw E2BError.noSandbox(address.sandboxID) }
            if let access = sandbox.spec.access,
                !E2BDataPlaneAccess(access: access, now: now()).allows(request.head, port: port, target: address.target)
            {
                return try E2BErrorAnswer.unreachable(
                    address,
                    .unauthorized,
                    "The sandbox's access token is missing or wrong."
                )
            }
            let isUp = sandbox.e2bState(at: now()) == .running
            let wakes = sandbox.spec.wakesOnTraffic && sandbox.e2bState(at: now()) != nil
            guard isUp || wakes else {
                return try E2BErrorAnswer.unreachable(address, .badGateway, "The sandbox is not running.")
            }
            var target = ProxyTarget(
                key: Waker.Key(tenant: tenant.name, sandboxID: address.sandboxID),
                runtime: runtime,
                port: port,
                target: address.target,
                prefix: address.prefix
            )
            target.speaksE2B = true
            return try await proxy.respond(to: request, for: target)
        } catch {
            let error = E2BError(error)
            guard error.status == .notFound || error.status == .badGateway else { throw error }
            return try E2BErrorAnswer.unreachable(address, .badGateway, "The sandbox was not found.")
        }
    }
}
