// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Crypto
import HTTPTypes
import Hummingbird
import SandboxModels

import struct Foundation.Date

/// Creating, reading, listing and killing sandboxes.
struct E2BSandboxRoutes {
    private let surroundings: E2BSurroundings
    private var runtime: any SandboxRuntime { surroundings.runtime }

    init(_ surroundings: E2BSurroundings) {
        self.surroundings = surroundings
    }

    func add(to routes: inout E2BRouteTable) {
        routes.add(.get, "/health", access: .open) { _, _ in Response(.noContent) }
        routes.add(.post, "/sandboxes", create)
        routes.add(.get, "/sandboxes", in: ["/v2"], list)
        routes.add(.get, "/sandboxes", in: [""], listRunning)
        routes.add(.get, "/sandboxes/:id", get)
        routes.add(.delete, "/sandboxes/:id", kill)
    }

    @Sendable private func create(_ request: Request, _ context: APIRequestContext) async throws -> Response {
        let bytes = Array(try await request.bodyBytes(upTo: surroundings.maximumBodyBytes).readableBytesView)
        let asked = try E2BCreateRequest(Request.e2bObject(bytes), surroundings.configuration)
        let teller = try surroundings.teller(request)
        let principal = try context.e2b
        var spec = try await E2BSource(surroundings).spec(of: asked, for: principal)
        if let key = request.headers.idempotencyKey {
            var options = spec.options ?? SandboxOptions()
            // A key is its owner's: others may have the same one.
            options.requestKey = "\(principal.owner)/\(key)"
            options.requestDigest = SHA256.hash(data: bytes).map { String($0, radix: 16) }.joined(separator: ".")
            spec.options = options
        }
        let sandbox = try await E2BSource(surroundings).create(spec, timeout: asked.timeout)
        return try Response(.created, json: teller.made(sandbox))
    }

    @Sendable private func list(_ request: Request, _ context: APIRequestContext) async throws -> Response {
        let query = try E2BListRequest(QueryParameters(query: request.uri.query ?? ""))
        let page = E2BPage(query, of: try await runtime.sandboxes(of: context.owner), now: surroundings.now())
        let teller = try surroundings.teller(request)
        var headers: HTTPFields = [.totalRunning: "\(page.totalRunning)"]
        if let token = page.nextToken { headers[.nextToken] = token }
        return try Response(.ok, json: page.items.map { teller.listed($0.sandbox, $0.state) }, headers: headers)
    }

    /// The first version's list: everything that runs, on one page.
    @Sendable private func listRunning(_ request: Request, _ context: APIRequestContext) async throws -> Response {
        var query = try E2BListRequest(QueryParameters(query: request.uri.query ?? ""))
        query.states = [.running]
        query.limit = .max
        let page = E2BPage(query, of: try await runtime.sandboxes(of: context.owner), now: surroundings.now())
        let teller = try surroundings.teller(request)
        return try Response(.ok, json: page.items.map { teller.listed($0.sandbox, $0.state) })
    }

    @Sendable private func get(_ request: Request, _ context: APIRequestContext) async throws -> Response {
        let sandbox = try await surroundings.sandbox(context)
        guard let state = sandbox.e2bState(at: surroundings.now()) else { throw E2BError.noSandbox(sandbox.id) }
        return try Response(.ok, json: surroundings.teller(request).described(sandbox, state))
    }

    @Sendable private func kill(_ request: Request, _ context: APIRequestContext) async throws -> Response {
        let sandbox = try await surroundings.sandbox(context, visible: false)
        do {
            try await runtime.delete(sandbox.id)
        } catch let error as SandboxError where error.code == .notFound {
            // Somebody else was faster, and it is gone as it should be.
        }
        return Response(.noContent)
    }
}
