// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import KubeClient
import KubeModels
import TestSupport

extension Cluster {
    /// For an API server of a test's own, or a proxy before it. Whoever uses it tries again soon and for as long as it takes.
    static func configuration(of authority: String) throws -> KubeClientConfiguration {
        var configuration = try configuration()
        let pause: @Sendable (Duration) async throws -> Void = { _ in try await Task.sleep(for: .milliseconds(50)) }
        configuration.server = try ServerEndpoint(
            "https://\(authority)",
            verification: configuration.server.verification
        )
        configuration.retry = RetryPolicy(attempts: .max, sleep: pause)
        configuration.rateLimit = .unlimited
        return configuration
    }

    /// Runs `body` with a client of an API server of its own.
    static func runOwnServer(
        hasWatchCache: Bool = true,
        _ body: (APIServerDaemon, KubeClient) async throws -> Void
    ) async throws {
        try await APIServerDaemon.run(hasWatchCache: hasWatchCache) { server in
            try await withKubeClient(configuration(of: server.authority), logger: logger) { client in
                try await body(server, client)
            }
        }
    }

    /// Runs `body` with another client of it, which reaches it through a proxy.
    static func runBehindProxy(
        _ server: APIServerDaemon,
        configure: (inout KubeClientConfiguration) -> Void = { _ in },
        _ body: (KubeClient, OutageProxy) async throws -> Void
    ) async throws {
        try await OutageProxy.run(before: server.authority) { proxy in
            var configuration = try configuration(of: proxy.authority)
            configure(&configuration)
            try await withKubeClient(configuration, logger: logger) { client in
                try await body(client, proxy)
            }
        }
    }
}

extension KubeClient {
    /// The maps of the one namespace in which such tests work.
    var maps: ResourceClient<ConfigMap> { resource(ConfigMap.self, in: "default") }
}

extension ConfigMap {
    /// A map with a value. Maps of the API server's own have no such label.
    static func numbered(_ name: String, _ value: Int = 0, label: String = "watched") -> ConfigMap {
        .with {
            $0.metadata.name = name
            $0.metadata.labels = ["watch-test": label]
            $0.data = ["value": "\(value)"]
        }
    }

    /// Its value.
    var value: Int? { data["value"].flatMap { Int($0) } }
}

extension ListOptions {
    /// The maps with a label.
    static func numbered(from version: String? = nil, label: String = "watched") throws -> ListOptions {
        ListOptions(labels: try LabelQuery(matching: ["watch-test": label]), resourceVersion: version)
    }
}
