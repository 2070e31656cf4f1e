// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Hummingbird
import SandboxModels

import struct Foundation.Date

/// Where the ports of a sandbox are reached.
struct EndpointRoutes {
    let ingress: ServerConfiguration.Ingress
    /// The host that clients reach this server by, if it is not the one that they ask.
    let publishedHost: String?
    let now: @Sendable () -> Date

    func add(to routes: inout RouteTable) {
        routes.add(.get, "/sandboxes/:id/endpoints/:port") { request, context in
            let asked = try EndpointRequest(
                port: context.pathParameter("port"),
                query: QueryParameters(query: request.uri.query ?? ""),
                now: now()
            )
            let id = context.pathParameter("id")
            let endpoint =
                asked.usesProxy
                ? try await throughServer(id, asked.port, request, in: context.runtime)
                : try await direct(id, asked, in: context.runtime)
            return try Response(.ok, json: EndpointResource(endpoint))
        }
    }

    private func direct(_ id: String, _ asked: EndpointRequest, in runtime: any SandboxRuntime) async throws -> SandboxEndpoint {
        guard case .gateway(let address, let route, let signing) = ingress.mode else {
            guard asked.expires == nil else { throw Self.unsigned }
            return try await runtime.endpoint(id, port: asked.port)
        }
        let headers = try await runtime.endpointHeaders(id, port: asked.port)
        var signature: RouteSignature?
        if let expires = asked.expires {
            guard let signing,
                let signed = RouteSignature(sandboxID: id, port: asked.port, expires: expires, signing: signing)
            else { throw Self.unsigned }
            signature = signed
        }
        return GatewayEndpoint(address: address, route: route)
            .endpoint(id, port: asked.port, signature: signature, headers: headers)
    }

    /// The way through this server, which is there as soon as the sandbox is, or would be woken by a request.
    private func throughServer(
        _ id: String,
        _ port: Int,
        _ request: Request,
        in runtime: any SandboxRuntime
    ) async throws -> SandboxEndpoint {
        let headers: [String: String]
        if try await runtime.sandbox(id).spec.wakesOnTraffic {
            headers = try await runtime.endpointHeaders(id, port: port)
        } else {
            headers = try await runtime.endpoint(id, port: port).headers
        }
        // A gateway stands in front of sandboxes, not of this server.
        let mount = request.uri.path.hasPrefix("/v1/") ? "/v1" : ""
        let base = publishedHost.map(Self.withoutScheme) ?? (request.head.authority ?? "localhost") + mount
        return SandboxEndpoint(address: "\(base)/sandboxes/\(id)/proxy/\(port)", headers: headers)
    }

    /// What was configured for people: a scheme and a slash at the end are theirs.
    private static func withoutScheme(_ host: String) -> String {
        var host = host.trimmed[...]
        if let scheme = host.firstRange(of: "://") { host = host[scheme.upperBound...] }
        while host.hasSuffix("/") { host = host.dropLast() }
        return String(host)
    }

    private static let unsigned = APIError.notSupported(
        "This server does not sign endpoints: that takes ingress.mode 'gateway' and ingress.secure_access. Ask without expires."
    )
}
