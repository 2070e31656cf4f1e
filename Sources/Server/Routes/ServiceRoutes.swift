// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Hummingbird
import NIOCore

/// What the server says about itself. No key is needed for it.
struct ServiceRoutes {
    /// Adds the routes.
    ///
    /// - Parameter document: The API's description, as JSON.
    func add(to routes: inout RouteTable, document: ByteBuffer) {
        routes.add(.get, "/health", access: .probe) { _, _ in
            try Response(.ok, json: ["status": "healthy"])
        }
        routes.add(.get, "/version", access: .probe) { _, _ in
            try Response(.ok, json: ["version": ServerVersion.current])
        }
        routes.add(.get, "/openapi.json", access: .open) { _, _ in
            Response(.ok, jsonBytes: document)
        }
    }
}
