// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Hummingbird

/// The routes of the API, each of which is found at `/` and at `/v1`.
struct RouteTable {
    typealias Handler = @Sendable (Request, APIRequestContext) async throws -> Response

    /// All routes, in the order in which they were added.
    private(set) var routes: [Route] = []

    /// Where every route is found.
    static let mounts = ["", "/v1"]

    /// Adds a route.
    ///
    /// - Parameters:
    ///   - path: The way below a mount, such as `/sandboxes/:id`; at its end, `**` stands for anything.
    ///   - access: Who may use it.
    mutating func add(
        _ method: HTTPRequest.Method,
        _ path: String,
        access: Route.Access = .key,
        _ handler: @escaping Handler
    ) {
        let place = place(of: path, access)
        routes[place].handlers[method] = handler
    }

    /// Adds a route for every method, whose bodies may be of any length.
    mutating func addAny(_ path: String, access: Route.Access = .key, _ handler: @escaping Handler) {
        let place = place(of: path, access)
        routes[place].anyHandler = handler
    }

    private mutating func place(of path: String, _ access: Route.Access) -> Int {
        if let place = routes.firstIndex(where: { $0.path == path }) { return place }
        routes.append(Route(path: path, access: access))
        return routes.count - 1
    }
}

/// A path with what is done for its methods.
struct Route: Sendable {
    /// Who may use a route.
    enum Access: Sendable {
        /// Everybody, however busy the server is.
        case probe
        /// Everybody.
        case open
        /// Who sends the key of a tenant.
        case key
    }

    /// The way below a mount, with `:` before the names of what may be anything.
    let path: String
    /// The way as OpenAPI writes it.
    let template: String
    let access: Access
    /// The names of the parts that may be anything.
    let parameters: [String]
    var handlers: [HTTPRequest.Method: RouteTable.Handler] = [:]
    var anyHandler: RouteTable.Handler?

    /// Whether its responses may take as long as they like.
    var isStream: Bool { anyHandler != nil }

    init(path: String, access: Access) {
        self.path = path
        self.access = access
        let parts = path.split(separator: "/")
        parameters = parts.filter { $0.hasPrefix(":") }.map { String($0.dropFirst()) }
        template = parts.map { "/" + ($0.hasPrefix(":") ? "{\($0.dropFirst())}" : $0) }.joined()
    }

    /// What is done for a method.
    ///
    /// - Throws: ``APIError`` (405).
    func handler(for method: HTTPRequest.Method) throws(APIError) -> RouteTable.Handler {
        if let handler = handlers[method] ?? anyHandler { return handler }
        throw .methodNotAllowed(allowed: Array(handlers.keys))
    }
}
