// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Hummingbird
import SandboxModels

/// Routes of the API that exist for runtimes that this server does not have, each with the answer that upstream gives on
/// such a server, so that clients can tell it from a mistake of their own.
struct UnsupportedRoutes {
    func add(to routes: inout RouteTable) {
        for (path, methods) in [("/templates", [HTTPRequest.Method.get, .post]), ("/templates/:id", [.get, .delete])] {
            for method in methods {
                routes.add(method, path) { _, _ in
                    throw APIError(
                        .notImplemented,
                        "SANDBOX::API_NOT_SUPPORTED",
                        "Templates are a feature of the microVM runtime, which this server does not have."
                    )
                }
            }
        }
    }
}
