// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Metrics
import SandboxModels
import SnapshotProvider

/// A provider, and how long it takes to answer: what is a provider's own can so be told from what is the controller's.
///
/// Each answer counts, also one that says to wait. Steps return without waiting for long work, so what a capture takes as a whole is
/// not in here.
struct MeasuredProvider: SnapshotProvider {
    static let label = "stasis_provider_step_duration_seconds"

    /// How a step is answered.
    private enum Outcome: String {
        case done, waiting, failed
    }

    let base: any SnapshotProvider
    let factory: any MetricsFactory

    var name: String { base.name }

    var capabilities: ProviderCapabilities { base.capabilities }

    func preflight(_ request: SnapshotRequest) async throws(SnapshotFailure) {
        let start = ContinuousClock.now
        do {
            try await base.preflight(request)
        } catch {
            record("preflight", .failed, since: start)
            throw error
        }
        record("preflight", .done, since: start)
    }

    func capture(_ request: SnapshotRequest) async -> Step<Artifact> {
        await measure("capture") { await base.capture(request) }
    }

    func seal(_ request: SnapshotRequest) async -> Step<Sealed> {
        await measure("seal") { await base.seal(request) }
    }

    func release(_ request: SnapshotRequest) async -> Step<Released> {
        await measure("release") { await base.release(request) }
    }

    func abandon(_ request: SnapshotRequest) async -> Step<Abandoned> {
        await measure("abandon") { await base.abandon(request) }
    }

    func forget(_ request: SnapshotRequest) async -> Step<Forgotten> {
        await measure("forget") { await base.forget(request) }
    }

    func verify(_ artifact: Artifact, in namespace: String) async -> Step<Verified> {
        await measure("verify") { await base.verify(artifact, in: namespace) }
    }

    func delete(_ artifact: Artifact, in namespace: String) async -> Step<Deleted> {
        await measure("delete") { await base.delete(artifact, in: namespace) }
    }

    /// It asks nobody, so there is nothing to measure.
    func restore(_ artifact: Artifact) throws(SnapshotFailure) -> TemplatePatch { try base.restore(artifact) }

    private func measure<Value>(_ step: String, _ answer: () async -> Step<Value>) async -> Step<Value> {
        let start = ContinuousClock.now
        let answered = await answer()
        let outcome: Outcome =
            switch answered {
            case .done: .done
            case .waiting: .waiting
            case .failed: .failed
            }
        record(step, outcome, since: start)
        return answered
    }

    private func record(_ step: String, _ outcome: Outcome, since start: ContinuousClock.Instant) {
        Timer(
            label: Self.label,
            dimensions: [("provider", base.name), ("step", step), ("outcome", outcome.rawValue)],
            preferredDisplayUnit: .seconds,
            factory: factory
        )
        .record(duration: start.duration(to: .now))
    }
}

extension SnapshotProviders {
    /// The same, and how long they take is measured.
    ///
    /// - Parameter factory: Where measurements go; nil for the process's own system.
    func measured(_ factory: (any MetricsFactory)?) -> SnapshotProviders {
        let factory = factory ?? MetricsSystem.factory
        return mapped { MeasuredProvider(base: $0, factory: factory) }
    }
}
