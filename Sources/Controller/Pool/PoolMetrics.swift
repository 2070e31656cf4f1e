// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import KubeRuntime
import Metrics
import SandboxModels

/// What a controller measures of pools: how many pods they have in which state, and how many their sandboxes lack.
struct PoolMetrics: Sendable {
    private let factory: any MetricsFactory

    init(factory: (any MetricsFactory)? = nil) { self.factory = factory ?? MetricsSystem.factory }

    /// A pool was looked at.
    ///
    /// - Parameters:
    ///   - status: What its status says; nil if it is gone.
    ///   - missing: How many pods its sandboxes wait for.
    func report(_ pool: ObjectKey, _ status: PoolStatus?, missing: Int = 0) {
        let (total, allocated, available) = (status?.total ?? 0, status?.allocated ?? 0, status?.available ?? 0)
        pods(pool, "allocated").record(allocated)
        pods(pool, "available").record(available)
        pods(pool, "unready").record(max(0, total - allocated - available))
        Gauge(label: "stasis_pool_missing_pods", dimensions: dimensions(pool), factory: factory).record(missing)
    }

    private func pods(_ pool: ObjectKey, _ state: String) -> Gauge {
        Gauge(label: "stasis_pool_pods", dimensions: dimensions(pool) + [("state", state)], factory: factory)
    }

    private func dimensions(_ pool: ObjectKey) -> [(String, String)] {
        [("namespace", pool.namespace ?? ""), ("pool", pool.name)]
    }
}
