// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Metrics

/// What a controller measures of the images that are to be there.
struct ArtifactAuditMetrics: Sendable {
    private let factory: any MetricsFactory

    init(factory: (any MetricsFactory)? = nil) {
        self.factory = factory ?? MetricsSystem.factory
        // They are there from the start, so that an alert has something to compare with.
        for name in AuditFindingName.allCases { snapshots(name).increment(by: 0) }
        for outcome in ["available", "missing", "unreachable"] { checks(outcome).increment(by: 0) }
    }

    /// A snapshot was looked at.
    func looked(_ finding: AuditFindingName) { looked(finding.rawValue) }

    /// A snapshot was looked at.
    ///
    /// - Parameter outcome: `available`, `missing` or `unreachable`.
    func looked(_ outcome: String) { checks(outcome).increment() }

    /// What is known of a snapshot has changed; nil for nothing, because it is not there.
    func change(from before: AuditFindingName?, to after: AuditFindingName?) {
        guard before != after else { return }
        if let before { snapshots(before).decrement(by: 1) }
        if let after { snapshots(after).increment(by: 1) }
    }

    private func snapshots(_ finding: AuditFindingName) -> Meter {
        Meter(label: "stasis_snapshots", dimensions: [("artifact", finding.rawValue)], factory: factory)
    }

    private func checks(_ outcome: String) -> Counter {
        Counter(label: "stasis_artifact_checks_total", dimensions: [("outcome", outcome)], factory: factory)
    }
}
