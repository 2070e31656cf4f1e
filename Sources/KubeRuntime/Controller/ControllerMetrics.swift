// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Metrics

/// What a controller measures, under the names that controller-runtime's have.
struct ControllerMetrics: Sendable {
    enum Outcome: String, CaseIterable {
        case success
        case requeue = "requeue_after"
        case error
        case terminal = "terminal_error"
        case cancelled
    }

    private let counters: [Outcome: Counter]
    private let duration: Timer

    init(name: String, factory: any MetricsFactory) {
        counters = Dictionary(
            uniqueKeysWithValues: Outcome.allCases.map { outcome in
                let dimensions = [("controller", name), ("result", outcome.rawValue)]
                return (
                    outcome,
                    Counter(label: "controller_runtime_reconcile_total", dimensions: dimensions, factory: factory)
                )
            }
        )
        duration = Timer(
            label: "controller_runtime_reconcile_time_seconds",
            dimensions: [("controller", name)],
            preferredDisplayUnit: .seconds,
            factory: factory
        )
    }

    func reconciled(_ outcome: Outcome, in time: Duration) {
        counters[outcome]?.increment()
        duration.recordNanoseconds(time.nanoseconds)
    }
}
