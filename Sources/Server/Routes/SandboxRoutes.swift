// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Hummingbird
import NIOCore
import SandboxModels

import struct Foundation.Date

/// Creating, reading, listing, labelling and deleting sandboxes.
struct SandboxRoutes {
    /// The longest time to live in seconds that a client may ask for, if there is a limit.
    let maximumTimeout: Int?
    /// Whether a client may choose what its sandbox is called.
    var allowsChosenIDs = false
    let maximumBodyBytes: Int
    let now: @Sendable () -> Date

    func add(to routes: inout RouteTable) {
        routes.add(.post, "/sandboxes", create)
        routes.add(.get, "/sandboxes", list)
        routes.add(.get, "/sandboxes/:id", get)
        routes.add(.delete, "/sandboxes/:id", delete)
        routes.add(.patch, "/sandboxes/:id/metadata", patchMetadata)
    }

    @Sendable private func create(_ request: Request, _ context: APIRequestContext) async throws -> Response {
        let body = try await request.jsonBody(upTo: maximumBodyBytes)
        var admitted = try await CreateSandboxRequest(readingLeniently: body)
            .filled(by: context.runtime)
            .admit(
                now: now(),
                supported: context.runtime.features,
                requestKey: request.headers.idempotencyKey,
                allowsChosenIDs: allowsChosenIDs,
                maximumTimeout: maximumTimeout
            )
        if let like = admitted.spec.extensions.removeValue(forKey: SandboxExtension.like) {
            admitted.spec.fill(from: try await context.runtime.specification(of: like))
        }
        let sandbox = try await context.runtime.create(
            admitted.spec,
            credentials: admitted.credentials,
            expiresAt: admitted.expiresAt
        )
        return try Response(.accepted, json: SandboxResource.created(sandbox))
    }

    @Sendable private func list(_ request: Request, _ context: APIRequestContext) async throws -> Response {
        let query = try ListSandboxesRequest(QueryParameters(query: request.uri.query ?? ""))
        let page = SandboxPage(query, of: try await context.runtime.sandboxes())
        return Response(.ok, jsonBytes: ByteBuffer(bytes: try page.json(context.encodedSandboxes)))
    }

    @Sendable private func get(_ request: Request, _ context: APIRequestContext) async throws -> Response {
        let sandbox = try await context.runtime.sandbox(context.pathParameter("id"))
        return Response(.ok, jsonBytes: ByteBuffer(bytes: try context.encodedSandboxes.json(of: sandbox)))
    }

    @Sendable private func patchMetadata(_ request: Request, _ context: APIRequestContext) async throws -> Response {
        let body = try await request.jsonBody(upTo: maximumBodyBytes)
        let patch = try PatchMetadataRequest(body).patch
        return try await Response(
            .ok,
            json: SandboxResource(context.runtime.patchMetadata(context.pathParameter("id"), patch))
        )
    }

    @Sendable private func delete(_ request: Request, _ context: APIRequestContext) async throws -> Response {
        try await context.runtime.delete(context.pathParameter("id"))
        return Response(.noContent)
    }
}

extension SandboxSpec {
    /// Takes over what another sandbox was asked for with and this one says nothing of. Volumes are not taken over: two
    /// sandboxes that write to one without knowing of each other are rarely what is wanted.
    fileprivate mutating func fill(from other: SandboxSpec) {
        if environment.isEmpty { environment = other.environment }
        if resourceLimits.isEmpty { resourceLimits = other.resourceLimits }
    }
}
