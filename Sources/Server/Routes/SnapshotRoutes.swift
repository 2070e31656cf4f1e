// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Hummingbird
import SandboxModels

/// Taking, reading, listing and deleting snapshots.
struct SnapshotRoutes {
    let maximumBodyBytes: Int

    func add(to routes: inout RouteTable) {
        routes.add(.post, "/sandboxes/:id/snapshots", create)
        routes.add(.get, "/snapshots", list)
        routes.add(.get, "/snapshots/:id", get)
        routes.add(.delete, "/snapshots/:id", delete)
    }

    @Sendable private func create(_ request: Request, _ context: APIRequestContext) async throws -> Response {
        let body = try CreateSnapshotRequest(try await request.optionalJSONBody(upTo: maximumBodyBytes))
        let snapshot = try await context.runtime.createSnapshot(of: context.pathParameter("id"), name: body.name)
        return try Response(
            .accepted,
            json: SnapshotResource(snapshot),
            headers: [.location: "/v1/snapshots/\(snapshot.id)"]
        )
    }

    @Sendable private func list(_ request: Request, _ context: APIRequestContext) async throws -> Response {
        let query = try ListSnapshotsRequest(QueryParameters(query: request.uri.query ?? ""))
        return try await Response(.ok, json: SnapshotPage(query, of: context.runtime.snapshots()))
    }

    @Sendable private func get(_ request: Request, _ context: APIRequestContext) async throws -> Response {
        try await Response(.ok, json: SnapshotResource(context.runtime.snapshot(context.pathParameter("id"))))
    }

    @Sendable private func delete(_ request: Request, _ context: APIRequestContext) async throws -> Response {
        try await context.runtime.deleteSnapshot(context.pathParameter("id"))
        return Response(.noContent)
    }
}
