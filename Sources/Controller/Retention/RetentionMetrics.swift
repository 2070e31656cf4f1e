// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Metrics
import SandboxModels

/// What a controller measures of the images that it deletes, or does not.
struct RetentionMetrics: Sendable {
    private let factory: any MetricsFactory

    init(factory: (any MetricsFactory)? = nil) { self.factory = factory ?? MetricsSystem.factory }

    /// What came of trying to delete images.
    func tried(_ outcome: ArtifactHistory.Outcome, of artifact: Artifact) {
        switch outcome {
        case .done(let retained, _):
            let kept = retained?.parts.count ?? 0
            count("deleted", artifact.parts.count - kept)
            count("retained", kept)
        case .refused: count("refused", artifact.parts.count)
        case .unavailable: count("unavailable", artifact.parts.count)
        }
    }

    private func count(_ outcome: String, _ images: Int) {
        guard images > 0 else { return }
        Counter(label: "stasis_image_deletions_total", dimensions: [("outcome", outcome)], factory: factory)
            .increment(by: images)
    }
}
