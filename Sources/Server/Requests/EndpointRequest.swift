// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import HTTPTypes

/// What `GET /sandboxes/{id}/endpoints/{port}` asks for.
struct EndpointRequest: Equatable {
    var port: Int

    /// Reads the path and the query.
    ///
    /// - Throws: ``ValidationError``, or ``APIError`` (400) for a port that cannot be one and for ways to a sandbox that
    ///   this server does not have.
    init(port text: String, query: QueryParameters) throws {
        var issues: [ValidationIssue] = []
        let anyInteger = Int.min...Int.max
        let port = RequestField(value: .string(text), location: ["path", "port"])
            .integer(.required, in: anyInteger, &issues)
        let usesProxy = query.field("use_server_proxy").bool(.optional, &issues) ?? false
        let expires = query.field("expires").integer(.optional, in: anyInteger, &issues)
        guard let port, issues.isEmpty else { throw ValidationError(issues: issues) }
        guard (1...65_535).contains(port) else {
            throw APIError(.badRequest, "DOCKER::INVALID_PORT", "\(port) is no port; ports are 1 to 65535.")
        }
        if usesProxy {
            throw APIError.notSupported("This server is no proxy to its sandboxes; ask without use_server_proxy.")
        }
        if expires != nil {
            throw APIError.notSupported("This server does not sign endpoints; ask without expires.")
        }
        self.port = port
    }
}
