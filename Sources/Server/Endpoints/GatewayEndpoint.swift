// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import SandboxModels

/// Where a gateway takes requests for a port of a sandbox. Pure.
struct GatewayEndpoint {
    var address: String
    var route: ServerConfiguration.Ingress.Route

    /// The way to a port.
    ///
    /// - Parameters:
    ///   - headers: What belongs to the sandbox's port besides. A signed way needs no token.
    func endpoint(
        _ id: String,
        port: Int,
        signature: RouteSignature?,
        headers: [String: String]
    ) -> SandboxEndpoint {
        var headers = headers
        if signature != nil {
            headers = headers.filter { $0.key.lowercased() != HTTPField.Name.secureAccess.canonicalName }
        }
        let name = [id, String(port), signature?.expires, signature?.signature].compactMap(\.self).joined(separator: "-")
        switch route {
        case .wildcard:
            let domain = address.hasPrefix("*.") ? address.dropFirst(2) : address[...]
            return SandboxEndpoint(address: "\(name).\(domain)", headers: headers)
        case .header:
            headers[HTTPField.Name.ingressTo.rawName] = name
            return SandboxEndpoint(address: address, headers: headers)
        case .uri:
            let path = [address, id, String(port), signature?.expires, signature?.signature].compactMap(\.self)
            return SandboxEndpoint(address: path.joined(separator: "/"), headers: headers)
        }
    }
}
