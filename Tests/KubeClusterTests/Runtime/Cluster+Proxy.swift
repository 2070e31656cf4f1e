// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import KubeClient
import TestSupport

extension Cluster {
    /// Runs `body` with a client that reaches the API server through a proxy, which can be away for a while.
    ///
    /// The client tries again at once and does not give up early, so that nothing but the proxy decides when it comes back.
    static func runBehindProxy(_ body: (KubeClient, OutageProxy) async throws -> Void) async throws {
        var configuration = try configuration()
        let address = configuration.server.address
        let authority = address.split(separator: "/").last.map(String.init) ?? ""
        let pause: @Sendable (Duration) async throws -> Void = { _ in try await Task.sleep(for: .milliseconds(50)) }
        try await OutageProxy.run(before: authority) { proxy in
            configuration.server = try ServerEndpoint(
                "https://\(proxy.authority)",
                verification: configuration.server.verification,
                serverName: authority.split(separator: ":").first.map(String.init)
            )
            configuration.retry = RetryPolicy(attempts: 3, sleep: pause)
            configuration.rateLimit = .unlimited
            try await withKubeClient(configuration, logger: logger) { client in
                try await body(client, proxy)
            }
        }
    }
}
