// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Metrics

/// What a controller measures of SandboxClaims.
struct ClaimMetrics: Sendable {
    private let factory: any MetricsFactory

    /// - Parameter factory: Where measurements go; nil for the process's own system.
    init(factory: (any MetricsFactory)?) { self.factory = factory ?? MetricsSystem.factory }

    /// A claim has ended.
    ///
    /// - Parameters:
    ///   - reason: That of its condition `Completed`.
    ///   - seconds: How long it took, from when it was first looked at.
    ///   - claimed: How many sandboxes it has got.
    func ended(_ reason: String, after seconds: Double, claimed: Int) {
        let dimensions = [("reason", SandboxMetrics.label(of: reason))]
        Timer(
            label: "stasis_sandbox_claim_duration_seconds",
            dimensions: dimensions,
            preferredDisplayUnit: .seconds,
            factory: factory
        )
        .recordNanoseconds(Int64(min(max(seconds, 0), 1e9) * 1e9))
        Counter(label: "stasis_claimed_sandboxes_total", dimensions: [], factory: factory).increment(by: claimed)
    }
}
