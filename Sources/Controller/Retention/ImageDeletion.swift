// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import KubeClient
import KubeModels
import Metrics
import SandboxModels
import SnapshotProvider

/// Deletes artifacts from the store, but nothing that something in the cluster refers to.
struct ImageDeletion: Sendable {
    let references: ClusterReferences
    let providers: SnapshotProviders
    let metrics: RetentionMetrics

    init(
        _ client: KubeClient,
        providers: SnapshotProviders,
        dialects: Set<SandboxDialect> = [.openSandbox],
        agentSandboxVersion: AgentSandboxes.Version = .v1beta1,
        metrics: (any MetricsFactory)?
    ) {
        references = ClusterReferences(
            client: client,
            includesKruise: dialects.contains(.kruise),
            agentSandboxVersion: dialects.contains(.agentSandbox) ? agentSandboxVersion : nil
        )
        self.providers = providers
        self.metrics = RetentionMetrics(factory: metrics)
    }

    /// Tries to delete one artifact. Repeated, it comes to the same; so what came of it is counted by whoever writes that down.
    ///
    /// - Parameters:
    ///   - answer: Who refers to what, asked for after it was written down that the artifact is needed no more.
    ///   - namespace: That of its owner.
    /// - Returns: What came of it; nil if the provider asks to be called again.
    func delete(
        _ artifact: Artifact,
        _ answer: ClusterReferences.Answer,
        in namespace: String
    ) async -> ArtifactHistory.Outcome? {
        let verdict = answer.references.verdict(on: artifact)
        let done = ArtifactHistory.Outcome.done(retained: verdict.retain, by: answer.holder(of: artifact))
        guard let free = verdict.delete else { return done }
        let provider: any SnapshotProvider
        do {
            provider = try providers.provider(of: free)
        } catch {
            return .unavailable(error.problem)
        }
        switch await provider.delete(free, in: namespace) {
        case .done: return done
        case .waiting: return nil
        case .failed(let failure):
            return failure.isRetryable ? .unavailable(failure.problem) : .refused(failure.problem)
        }
    }
}
