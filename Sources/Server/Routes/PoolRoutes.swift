// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Hummingbird
import SandboxModels

/// Creating, reading, resizing and deleting pools of ready sandboxes.
struct PoolRoutes {
    let maximumBodyBytes: Int

    func add(to routes: inout RouteTable) {
        routes.add(.post, "/pools") { request, context in
            try Self.requirePools(of: context)
            let asked = try CreatePoolRequest(try await request.jsonBody(upTo: maximumBodyBytes))
            let pool = try await context.runtime.createPool(
                asked.name,
                template: asked.template,
                capacity: asked.capacity
            )
            return try Response(.created, json: PoolResource(pool))
        }
        routes.add(.get, "/pools") { _, context in
            try await Response(.ok, json: PoolList(items: context.runtime.pools().map(PoolResource.init)))
        }
        routes.add(.get, "/pools/:name") { _, context in
            try await Response(.ok, json: PoolResource(context.runtime.pool(context.pathParameter("name"))))
        }
        routes.add(.put, "/pools/:name") { request, context in
            try Self.requirePools(of: context)
            let asked = try ResizePoolRequest(try await request.jsonBody(upTo: maximumBodyBytes))
            let pool = try await context.runtime.resizePool(context.pathParameter("name"), to: asked.capacity)
            return try Response(.ok, json: PoolResource(pool))
        }
        routes.add(.delete, "/pools/:name") { _, context in
            try await context.runtime.deletePool(context.pathParameter("name"))
            return Response(.noContent)
        }
    }

    /// A server without pools says so, whatever it is sent.
    private static func requirePools(of context: APIRequestContext) throws {
        guard try context.runtime.features.contains(.pool) else { throw SandboxError.noPools }
    }
}
