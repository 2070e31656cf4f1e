// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Hummingbird

/// Who may use the API. Keys are the configuration's: they are told, and neither made nor deleted here.
struct E2BTeamRoutes {
    let keys: E2BKeyring

    private struct Team: Encodable {
        var teamID: String
        var name: String
        /// Nobody but its holder knows a key.
        var apiKey = ""
        var isDefault = true
    }

    private struct Key: Encodable {
        struct Mask: Encodable {
            var prefix = ""
            var valueLength = 0
            var maskedValuePrefix = ""
            var maskedValueSuffix = ""
        }

        var id: String
        var name: String
        var mask = Mask()
        /// Nobody knows since when a file has said something.
        var createdAt = "1970-01-01T00:00:00.000Z"
    }

    private struct Compatible: Encodable {
        var key: String
    }

    func add(to routes: inout E2BRouteTable) {
        routes.add(.get, "/teams") { _, context in
            let principal = try context.e2b
            return try Response(.ok, json: [Team(teamID: principal.team, name: principal.team)])
        }
        routes.add(.get, "/api-keys") { _, context in
            let members = try keys.members(of: context.e2b.team)
            return try Response(.ok, json: members.map { Key(id: $0.owner, name: $0.keyName) })
        }
        routes.add(.get, "/api-keys/compatible") { request, context in
            _ = try context.e2b
            guard let key = request.e2bKey else { throw E2BError.bad("No key was sent.") }
            let raw = E2BCompatibleKey.raw(of: key) ?? key
            return try Response(.ok, json: Compatible(key: E2BCompatibleKey.encoded(raw)))
        }
        routes.add(.post, "/api-keys", refuse)
        routes.add(.delete, "/api-keys/:key", refuse)
        routes.add(.patch, "/api-keys/:key", refuse)
    }

    @Sendable private func refuse(_ request: Request, _ context: APIRequestContext) async throws -> Response {
        throw E2BError(.forbidden, "Keys are made and taken away in this server's configuration, [[e2b.keys]].")
    }
}
