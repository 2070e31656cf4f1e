// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Hummingbird
import SandboxModels

import struct Foundation.Date

/// Pausing and resuming, which answer when the request is accepted: the sandbox's status tells how it goes on. And
/// expiring at another time.
struct LifecycleRoutes {
    let maximumBodyBytes: Int
    let now: @Sendable () -> Date

    private struct Renewal: Encodable {
        var expiresAt: Date
    }

    func add(to routes: inout RouteTable) {
        routes.add(.post, "/sandboxes/:id/pause") { _, context in
            try await context.runtime.pause(context.pathParameter("id"))
            return Response(.accepted)
        }
        routes.add(.post, "/sandboxes/:id/resume") { _, context in
            try await context.runtime.resume(context.pathParameter("id"))
            return Response(.accepted)
        }
        routes.add(.post, "/sandboxes/:id/renew-expiration") { request, context in
            let body = try await request.jsonBody(upTo: maximumBodyBytes)
            let date = try RenewExpirationRequest(body).admit(now: now())
            try await context.runtime.renew(context.pathParameter("id"), until: date)
            return try Response(.ok, json: Renewal(expiresAt: date))
        }
    }
}
