// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Hummingbird
import Logging
import NIOCore
import ServiceLifecycle

import struct Foundation.Date

/// The OpenSandbox Lifecycle API in front of the runtimes of its tenants.
///
/// Each group of routes is a file in `Routes`; each is mounted at `/` and at `/v1`.
struct SandboxAPI: Sendable {
    /// Bytes of a request's body that are read at most.
    static let maximumBodyBytes = 1 << 20

    private let tenants: Tenants
    private let configuration: ServerConfiguration.HTTP
    let metrics: ServerMetrics
    private let ingress: ServerConfiguration.Ingress
    private let e2b: E2BService?
    private let servesPage: Bool
    private let proxy: SandboxProxy
    private let mover: Mover
    private let now: @Sendable () -> Date

    /// Creates the API.
    ///
    /// - Parameters:
    ///   - tenants: Who is let in, and where their sandboxes live.
    ///   - configuration: Limits and the like.
    ///   - proxy: How requests reach the ports of sandboxes through the server.
    ///   - ingress: How clients reach them without it.
    ///   - e2b: The E2B API beside this one, if it is wanted.
    ///   - servesPage: Whether there is a page under `/ui`.
    ///   - moving: Where sandboxes may move to.
    ///   - metrics: What is measured.
    ///   - logger: Learns how moves go on.
    ///   - now: The clock by which times to live are counted.
    init(
        tenants: Tenants,
        configuration: ServerConfiguration.HTTP,
        proxy: ServerConfiguration.Proxy = ServerConfiguration.Proxy(),
        ingress: ServerConfiguration.Ingress = ServerConfiguration.Ingress(),
        e2b: E2BService? = nil,
        servesPage: Bool = true,
        moving: ServerConfiguration.Moving = ServerConfiguration.Moving(),
        metrics: ServerMetrics = ServerMetrics(),
        logger: Logger = Logger(label: "stasis-server"),
        now: @escaping @Sendable () -> Date = { Date() }
    ) {
        self.tenants = tenants
        self.configuration = configuration
        self.ingress = ingress
        self.e2b = e2b
        self.servesPage = servesPage
        self.proxy = SandboxProxy(tenants: tenants, configuration: proxy, now: now)
        self.mover = Mover(moving, tenants: tenants, logger: logger)
        self.metrics = metrics
        self.now = now
    }

    /// What has to run while requests are answered.
    var services: [any Service] { proxy.services + [mover] }

    /// All routes, but for those to the ports of sandboxes.
    var routes: RouteTable {
        var routes = RouteTable()
        SandboxRoutes(
            maximumTimeout: configuration.maximumTimeout,
            allowsChosenIDs: configuration.allowsChosenIDs,
            maximumBodyBytes: Self.maximumBodyBytes,
            now: now
        )
        .add(to: &routes)
        LifecycleRoutes(maximumBodyBytes: Self.maximumBodyBytes, now: now).add(to: &routes)
        MoveRoutes(mover: mover, maximumBodyBytes: Self.maximumBodyBytes, now: now).add(to: &routes)
        SnapshotRoutes(maximumBodyBytes: Self.maximumBodyBytes).add(to: &routes)
        DiagnosticsRoutes(now: now).add(to: &routes)
        EndpointRoutes(ingress: ingress, publishedHost: proxy.configuration.publishedHost, now: now).add(to: &routes)
        NetworkPolicyRoutes(proxy: proxy).add(to: &routes)
        PoolRoutes(maximumBodyBytes: Self.maximumBodyBytes).add(to: &routes)
        UnsupportedRoutes().add(to: &routes)
        MetricsRoutes(maximumBodyBytes: Self.maximumBodyBytes).add(to: &routes)
        if servesPage { PageRoutes(tenants: tenants, streams: PageStreamLimit()).add(to: &routes) }
        // The description is of the routes that there are, itself among them.
        var described = routes
        ServiceRoutes().add(to: &described, document: ByteBuffer())
        ServiceRoutes().add(to: &routes, document: APIDocument.bytes(of: described))
        return routes
    }

    /// What answers requests.
    func responder() -> APIResponder {
        APIResponder(
            tree: RouteTree(routes),
            tenants: tenants,
            proxy: ProxyEntrance(proxy: proxy),
            e2b: e2b.map { E2BEntrance($0, proxy: proxy, maximumBodyBytes: Self.maximumBodyBytes, now: now) },
            concurrency: ConcurrencyLimit(configuration.concurrencyLimit),
            rates: configuration.rateLimit.map { RateLimits($0) },
            metrics: metrics,
            bodyTimeout: .seconds(configuration.bodyTimeout)
        )
    }
}
