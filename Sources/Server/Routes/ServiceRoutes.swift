// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Hummingbird

/// What the server says about itself. No key is needed for it.
struct ServiceRoutes {
    /// The paths of these routes below a mount.
    static let paths = ["/health", "/version"]

    func add(to routes: inout RouteTable) {
        routes.add(.get, "/health") { _, _ in
            try Response(.ok, json: ["status": "healthy"])
        }
        routes.add(.get, "/version") { _, _ in
            try Response(.ok, json: ["version": ServerVersion.current])
        }
    }
}
