// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Hummingbird
import SandboxModels

/// Where the ports of a sandbox are reached.
struct EndpointRoutes {
    func add(to routes: inout RouteTable) {
        routes.add(.get, "/sandboxes/:id/endpoints/:port") { request, context in
            let asked = try EndpointRequest(
                port: context.pathParameter("port"),
                query: QueryParameters(query: request.uri.query ?? "")
            )
            let endpoint = try await context.runtime.endpoint(context.pathParameter("id"), port: asked.port)
            return try Response(.ok, json: EndpointResource(endpoint))
        }
    }
}
