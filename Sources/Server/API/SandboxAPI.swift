// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Hummingbird

import struct Foundation.Date

/// The OpenSandbox Lifecycle API in front of a runtime.
///
/// Each group of routes is a file in `Routes`; each is mounted at `/` and at `/v1`.
struct SandboxAPI: Sendable {
    /// Bytes of a request's body that are read at most.
    static let maximumBodyBytes = 1 << 20

    private let runtime: any SandboxRuntime
    private let configuration: ServerConfiguration.HTTP
    private let now: @Sendable () -> Date

    /// Creates the API.
    ///
    /// - Parameters:
    ///   - runtime: Where the sandboxes live.
    ///   - configuration: The key, limits and the like.
    ///   - now: The clock by which times to live are counted.
    init(
        runtime: any SandboxRuntime,
        configuration: ServerConfiguration.HTTP,
        now: @escaping @Sendable () -> Date = { Date() }
    ) {
        self.runtime = runtime
        self.configuration = configuration
        self.now = now
    }

    /// The router with all middleware and routes.
    func router() -> Router<APIRequestContext> {
        let router = Router(context: APIRequestContext.self)
        router.add(middleware: RequestIDMiddleware())
        router.add(middleware: RequestLogMiddleware())
        router.add(middleware: AnyOriginMiddleware())
        router.add(middleware: ErrorMiddleware())
        if configuration.concurrencyLimit > 0 {
            router.add(middleware: ConcurrencyLimitMiddleware(limit: configuration.concurrencyLimit))
        }
        router.add(middleware: APIKeyMiddleware(key: configuration.apiKey))

        var routes = RouteTable()
        SandboxRoutes(
            runtime: runtime,
            maximumTimeout: configuration.maximumTimeout,
            maximumBodyBytes: Self.maximumBodyBytes,
            now: now
        )
        .add(to: &routes)
        LifecycleRoutes(runtime: runtime, maximumBodyBytes: Self.maximumBodyBytes, now: now).add(to: &routes)
        SnapshotRoutes(runtime: runtime, maximumBodyBytes: Self.maximumBodyBytes).add(to: &routes)
        DiagnosticsRoutes(runtime: runtime, now: now).add(to: &routes)
        EndpointRoutes(runtime: runtime).add(to: &routes)
        UnsupportedRoutes(runtime: runtime).add(to: &routes)
        MetricsRoutes(maximumBodyBytes: Self.maximumBodyBytes).add(to: &routes)
        ServiceRoutes().add(to: &routes)
        routes.mount(on: router)
        return router
    }
}
