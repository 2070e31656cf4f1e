// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

public import KubeModels
public import Logging
public import Metrics

/// A client of one Kubernetes API server.
///
/// It is a value, and cheap to hand on: all copies share connections, credentials and the limit on requests.
public struct KubeClient: Sendable {
    /// Which server it speaks with, as whom, and how patiently.
    public var configuration: KubeClientConfiguration { transport.configuration }
    let transport: KubeTransport

    /// Creates a client.
    ///
    /// - Parameters:
    ///   - connections: made from the same configuration; shut down by its owner.
    ///   - metrics: where measurements go; `nil` for the process's own system.
    public init(
        connections: KubeConnections,
        configuration: KubeClientConfiguration,
        metrics: (any MetricsFactory)? = nil,
        logger: Logger
    ) {
        transport = KubeTransport(
            connections: connections,
            configuration: configuration,
            authenticator: Authenticator(configuration.credentials),
            limiter: RateLimiter(configuration.rateLimit),
            measures: RequestMetrics(factory: metrics ?? MetricsSystem.factory),
            logger: logger
        )
    }

    /// The objects of a type.
    public func resource<Object: KubeResource>(
        _ type: Object.Type = Object.self,
        in namespace: NamespaceScope = .default
    ) -> ResourceClient<Object> {
        ResourceClient(Object.resourceType, in: namespace, transport)
    }

    /// The objects of a type that is known only when the program runs.
    public func resource(_ type: ResourceType, in namespace: NamespaceScope = .default) -> ResourceClient<DynamicObject>
    {
        ResourceClient(type, in: namespace, transport)
    }

    /// The server's version, such as `v1.20.2`.
    ///
    /// - Throws: `KubeError`, or `CancellationError`.
    public func serverVersion() async throws -> String {
        let request = KubeRequest(
            operation: "get",
            subject: "the server's version",
            path: "/version",
            isRepeatable: true
        )
        let answer: JSONValue = try await transport.answer(to: request)
        guard let version = answer["gitVersion"]?.string else {
            throw request.fault(.malformedAnswer, "the answer has no gitVersion")
        }
        return version
    }
}

/// The objects of which namespaces.
public enum NamespaceScope: Sendable, Hashable, ExpressibleByStringLiteral {
    /// Those of the configuration's namespace.
    case `default`
    /// Those of one namespace.
    case named(String)
    /// Those of all namespaces. Single objects are then found by the namespace in their metadata.
    case all

    /// Those of one namespace.
    public init(stringLiteral name: String) { self = .named(name) }
}

/// Runs `body` with a client that has connections of its own, which are shut down when `body` is done.
///
/// - Parameters:
///   - metrics: where measurements go; `nil` for the process's own system.
///   - isolation: where `body` runs: where this is called.
/// - Throws: what `body` throws; `KubeError` if the configuration cannot be used.
public func withKubeClient<Result: Sendable>(
    _ configuration: KubeClientConfiguration,
    metrics: (any MetricsFactory)? = nil,
    logger: Logger,
    isolation: isolated (any Actor)? = #isolation,
    _ body: (KubeClient) async throws -> Result
) async throws -> Result {
    let connections = try await BlockingIO.run { try KubeConnections(configuration) }
    do {
        let result = try await body(
            KubeClient(connections: connections, configuration: configuration, metrics: metrics, logger: logger)
        )
        try await connections.shutdown()
        return result
    } catch {
        try? await connections.shutdown()
        throw error
    }
}
