// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import HTTPTypes

/// The E2B API in front of one runtime, which owners share without seeing each other's sandboxes.
public struct E2BService: Sendable {
    let configuration: ServerConfiguration.E2B
    let runtime: any SandboxRuntime

    /// Creates the API.
    ///
    /// - Parameter runtime: Where the sandboxes live; its sandboxes have an owner each, in `SandboxSpec.owner`.
    public init(_ configuration: ServerConfiguration.E2B, runtime: any SandboxRuntime) {
        self.configuration = configuration
        self.runtime = runtime
    }
}

/// Whose a request of the E2B API is.
struct E2BPrincipal: Sendable {
    /// The owner of what is created, by which everything is found again.
    var owner: String
    /// The team, on a cluster the namespace.
    var team: String
    /// What people call the key.
    var keyName: String
    /// The same for logs, measurements and limits.
    var tenant: Tenant
}

/// All keys of the E2B API.
struct E2BKeyring: Sendable {
    private let principals: [APIKey: E2BPrincipal]
    /// Who everybody is where there are no keys.
    private let sole: E2BPrincipal?

    init(_ service: E2BService) {
        let runtime = service.runtime
        func principal(_ owner: String, _ team: String, _ name: String) -> E2BPrincipal {
            let tenant = Tenant(name: "e2b:\(name)", keys: [], runtime: runtime)
            return E2BPrincipal(owner: owner, team: team, keyName: name, tenant: tenant)
        }
        let keys = service.configuration.keys
        principals = Dictionary(
            keys.map { ($0.key, principal($0.owner, $0.team, $0.name)) },
            uniquingKeysWith: { first, _ in first }
        )
        typealias E2B = ServerConfiguration.E2B
        sole = keys.isEmpty ? principal(E2B.soleOwner, E2B.soleTeam, E2B.soleTeam) : nil
    }

    /// Whose request it is. The keys are compared by their digests, so how long it takes tells nothing about them.
    ///
    /// - Throws: ``E2BError`` (401).
    func principal(offering offered: String?) throws(E2BError) -> E2BPrincipal {
        if let sole { return sole }
        guard let offered, !offered.isEmpty else {
            throw E2BError(.unauthorized, "The API key is missing. Send it in the X-API-Key header.")
        }
        let key = APIKey(offered: E2BCompatibleKey.raw(of: offered) ?? offered)
        guard let found = principals[key] ?? principals[APIKey(offered: offered)] else {
            throw E2BError(.unauthorized, "Invalid API Key")
        }
        return found
    }

    /// Everybody of a team, once each.
    func members(of team: String) -> [E2BPrincipal] {
        (sole.map { [$0] } ?? Array(principals.values)).filter { $0.team == team }
            .sorted { ($0.keyName, $0.owner) < ($1.keyName, $1.owner) }
    }
}
