// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

/// All who use one server.
public struct Tenants: Sendable {
    /// Each of them.
    public let all: [Tenant]

    /// Creates them. Two must not have one key: the first of them would get what is the other's.
    public init(_ all: [Tenant]) {
        self.all = all
    }

    /// The only tenant of a server.
    ///
    /// - Parameter key: What it sends; nil: everybody is let in.
    public init(key: APIKey?, runtime: any SandboxRuntime) {
        all = [Tenant(name: "default", keys: key.map { [$0] } ?? [], runtime: runtime)]
    }

    /// Whose request it is.
    ///
    /// Every key is compared, so that how long it takes tells nothing about which of them was close.
    ///
    /// - Parameter offered: The key that came with the request.
    /// - Throws: ``APIError`` (401).
    func tenant(offering offered: String?) throws(APIError) -> Tenant {
        if let open = all.first(where: \.keys.isEmpty) { return open }
        guard let offered, !offered.isEmpty else { throw .missingKey }
        var found: Tenant?
        for tenant in all {
            for key in tenant.keys where key.matches(offered) && found == nil { found = tenant }
        }
        guard let found else { throw .invalidKey }
        return found
    }
}
