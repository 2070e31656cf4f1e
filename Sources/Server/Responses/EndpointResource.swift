// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import SandboxModels

/// Where a port of a sandbox is reached, as the API writes it.
struct EndpointResource: Encodable {
    /// `host:port`, without a scheme: clients put their own in front.
    var endpoint: String
    var headers: [String: String]?

    init(_ endpoint: SandboxEndpoint) {
        self.endpoint = endpoint.address
        headers = endpoint.headers.isEmpty ? nil : endpoint.headers
    }
}
