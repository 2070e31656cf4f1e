// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import HTTPTypes

import struct Foundation.Date

/// What `GET /sandboxes/{id}/endpoints/{port}` asks for.
struct EndpointRequest: Equatable {
    var port: Int
    /// Whether the way is to lead through this server.
    var usesProxy: Bool
    /// When the way is to expire, in seconds since 1970.
    var expires: UInt64?

    /// Reads the path and the query.
    ///
    /// - Throws: ``ValidationError``, or ``APIError`` (400) for a port that cannot be one and for an expiry that makes no sense.
    init(port text: String, query: QueryParameters, now: Date) throws {
        var issues: [ValidationIssue] = []
        let anyInteger = Int.min...Int.max
        let port = RequestField(value: .string(text), location: ["path", "port"])
            .integer(.required, in: anyInteger, &issues)
        usesProxy = query.field("use_server_proxy").bool(.optional, &issues) ?? false
        let expires = query.field("expires").integer(.optional, in: anyInteger, &issues)
        guard let port, issues.isEmpty else { throw ValidationError(issues: issues) }
        guard (1...65_535).contains(port) else {
            throw APIError(.badRequest, "DOCKER::INVALID_PORT", "\(port) is no port; ports are 1 to 65535.")
        }
        self.port = port
        guard let expires else { return }
        if usesProxy {
            throw APIError.invalidParameter(
                "use_server_proxy cannot be combined with expires: only ways through a gateway are signed."
            )
        }
        guard expires >= 0, Double(expires) > now.timeIntervalSince1970 else {
            throw APIError.invalidParameter("expires is \(expires), which is not in the future.")
        }
        self.expires = UInt64(expires)
    }
}
