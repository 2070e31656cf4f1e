// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Metrics

/// What a work queue measures, under the names that client-go's queues have.
struct WorkQueueMetrics: Sendable {
    private let depth: Meter
    private let adds: Counter
    private let retries: Counter
    private let waiting: Timer
    private let working: Timer

    init(name: String, factory: any MetricsFactory) {
        let dimensions = [("name", name)]
        depth = Meter(label: "workqueue_depth", dimensions: dimensions, factory: factory)
        adds = Counter(label: "workqueue_adds_total", dimensions: dimensions, factory: factory)
        retries = Counter(label: "workqueue_retries_total", dimensions: dimensions, factory: factory)
        waiting = Timer(
            label: "workqueue_queue_duration_seconds",
            dimensions: dimensions,
            preferredDisplayUnit: .seconds,
            factory: factory
        )
        working = Timer(
            label: "workqueue_work_duration_seconds",
            dimensions: dimensions,
            preferredDisplayUnit: .seconds,
            factory: factory
        )
    }

    func added(_ count: Int, depth newDepth: Int) {
        adds.increment(by: count)
        depth.set(newDepth)
    }

    func retried() { retries.increment() }

    func taken(after duration: Duration, depth newDepth: Int) {
        waiting.recordNanoseconds(duration.nanoseconds)
        depth.set(newDepth)
    }

    func done(after duration: Duration, depth newDepth: Int) {
        working.recordNanoseconds(duration.nanoseconds)
        depth.set(newDepth)
    }
}

extension Duration {
    /// Rounded down; as long as a metric can tell if it is longer.
    var nanoseconds: Int64 {
        let (seconds, attoseconds) = components
        let (product, isTooLarge) = seconds.multipliedReportingOverflow(by: 1_000_000_000)
        return isTooLarge
            ? (seconds < 0 ? .min : .max) : product.addingReportingOverflow(attoseconds / 1_000_000_000).partialValue
    }
}
