// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Hummingbird
import SandboxModels

import struct Foundation.Date

/// Takes the requests of the E2B API, and those to the ports of its sandboxes, out of the way of the other API's.
struct E2BEntrance: Sendable {
    private let service: E2BService
    private let keys: E2BKeyring
    private let tree: RouteTree
    private let dataPlane: E2BDataPlane

    init(_ service: E2BService, proxy: SandboxProxy, maximumBodyBytes: Int, now: @escaping @Sendable () -> Date) {
        self.service = service
        let keys = E2BKeyring(service)
        self.keys = keys
        let surroundings = E2BSurroundings(service: service, maximumBodyBytes: maximumBodyBytes, now: now)
        tree = RouteTree(Self.routes(surroundings, keys), mounts: [])
        dataPlane = E2BDataPlane(runtime: service.runtime, proxy: proxy, now: now)
    }

    /// All routes, below the first mount, by whose name they stand in the log and in measurements.
    static func routes(_ surroundings: E2BSurroundings, _ keys: E2BKeyring) -> RouteTable {
        var routes = E2BRouteTable()
        E2BSandboxRoutes(surroundings).add(to: &routes)
        E2BLifecycleRoutes(surroundings).add(to: &routes)
        E2BSnapshotRoutes(surroundings).add(to: &routes)
        E2BForkRoutes(surroundings).add(to: &routes)
        E2BTemplateRoutes(surroundings).add(to: &routes)
        E2BMeasurementRoutes(surroundings).add(to: &routes)
        E2BTeamRoutes(keys: keys).add(to: &routes)
        return routes.table
    }

    /// Where a request leads, if it is one of this API's.
    func target(of request: Request) -> E2BTarget? {
        E2BTarget(request, domain: service.configuration.domain)
    }

    /// The answer to a request.
    ///
    /// - Throws: What stands against it, and what its handler throws.
    func answer(
        _ request: Request,
        _ target: E2BTarget,
        _ rates: RateLimits?,
        _ context: inout APIRequestContext
    ) async throws -> Response {
        let path: Substring
        switch target {
        case .sandbox(let address):
            context.route = E2BDataPlane.route
            return try await dataPlane.answer(request, address, &context)
        case .api(let rest): path = rest
        }
        if let match = tree.match(E2BRouteTable.mount + path) {
            context.route = tree.routes[match.place]
            context.pathValues = match.values
        }
        if context.route?.access != .open {
            let principal = try keys.principal(offering: request.e2bKey)
            context.principal = principal
            context.tenant = principal.tenant
            try rates?.admit(principal.tenant.name)
        }
        // Who has no key is not told what there is.
        guard let route = context.route else { throw E2BError(.notFound, "There is nothing at this path.") }
        return try await route.handler(for: request.method)(request, context)
    }
}

/// The routes of the E2B API.
struct E2BRouteTable {
    /// Where the API is found first.
    static let mount: Substring = "/e2b"

    private(set) var table = RouteTable()

    /// Adds a route, in each version of the API unless it differs.
    mutating func add(
        _ method: HTTPRequest.Method,
        _ path: String,
        in versions: [String] = ["", "/v2"],
        access: Route.Access = .key,
        _ handler: @escaping RouteTable.Handler
    ) {
        for version in versions { table.add(method, Self.mount + version + path, access: access, handler) }
    }
}

/// What all routes of the E2B API need.
struct E2BSurroundings: Sendable {
    let service: E2BService
    let maximumBodyBytes: Int
    let now: @Sendable () -> Date

    var runtime: any SandboxRuntime { service.runtime }
    var configuration: ServerConfiguration.E2B { service.configuration }

    /// A sandbox of whoever asks. One that is somebody else's is not there for them.
    ///
    /// - Parameter visible: Whether it has to be one that the API shows.
    /// - Throws: ``E2BError`` (404).
    func sandbox(_ context: APIRequestContext, visible: Bool = true) async throws -> Sandbox {
        let id = context.pathParameter("id")
        let sandbox: Sandbox
        do {
            sandbox = try await runtime.sandbox(id)
        } catch let error as SandboxError where error.code == .notFound {
            throw E2BError.noSandbox(id)
        }
        guard try sandbox.spec.owner == context.owner, sandbox.status.state != .stopping,
            !visible || sandbox.e2bState(at: now()) != nil
        else { throw E2BError.noSandbox(id) }
        return sandbox
    }

    /// Asks the runtime about a sandbox that may be gone meanwhile, which is told like one that never was.
    func about<Result: Sendable>(_ id: String, _ body: () async throws -> Result) async throws -> Result {
        do {
            return try await body()
        } catch let error as SandboxError where error.code == .notFound {
            throw E2BError.noSandbox(id)
        }
    }

    /// What is told of sandboxes in an answer to a request.
    ///
    /// - Throws: ``E2BError`` (400) if nobody can tell where the sandboxes would be.
    func teller(_ request: Request) throws(E2BError) -> E2BTeller {
        if let domain = configuration.domain { return E2BTeller(domain: domain, configuration: configuration) }
        guard var host = request.head.authority, !host.isEmpty else { throw .bad("The Host header is missing.") }
        if host.hasPrefix("api.") { host.removeFirst(4) }
        return E2BTeller(domain: host + "/kruise", configuration: configuration)
    }
}

extension APIRequestContext {
    /// Whose request it is.
    ///
    /// - Throws: ``E2BError`` (401) on the open paths.
    var owner: String {
        get throws(E2BError) { try e2b.owner }
    }

    /// As ``owner``, with the rest.
    var e2b: E2BPrincipal {
        get throws(E2BError) {
            guard let principal else { throw E2BError(.unauthorized, "The API key is missing.") }
            return principal
        }
    }
}

extension Request {
    /// The key that came with it. Some of E2B's paths take it as a bearer token.
    var e2bKey: String? {
        if let key = headers[.e2bKey] { return key.trimmed }
        guard let value = headers[.authorization], value.lowercased().hasPrefix("bearer ") else { return nil }
        return String(value.dropFirst(7)).trimmed
    }

    /// The object in the body, whatever it is called; an empty one if there is none, or null.
    ///
    /// - Throws: ``ValidationError``, ``APIError``.
    func e2bBody(upTo maximumBytes: Int) async throws -> RequestObject {
        let bytes = try await bodyBytes(upTo: maximumBytes)
        return try Self.e2bObject(Array(bytes.readableBytesView))
    }

    static func e2bObject(_ bytes: [UInt8]) throws -> RequestObject {
        guard !bytes.allSatisfy({ [0x20, 0x09, 0x0A, 0x0D].contains($0) }) else {
            return RequestObject(members: [:], location: ["body"])
        }
        let value: JSONValue
        do {
            value = try JSONParser.parse(bytes)
        } catch {
            throw E2BError.bad("The body is no JSON: \(error.message) at byte \(error.offset).")
        }
        switch value {
        case .null: return RequestObject(members: [:], location: ["body"])
        case .object(let members): return RequestObject(members: members, location: ["body"])
        default: throw E2BError.bad("The body is not a JSON object.")
        }
    }
}
