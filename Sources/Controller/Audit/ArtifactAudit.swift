// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import KubeClient
import KubeModels
import KubeRuntime
import Logging
import Metrics
import SandboxModels
import SnapshotProvider

import struct Foundation.Date

/// Looks from time to time whether the images of snapshots are still in their registries, and tells people before somebody needs one
/// that is gone: by the condition `ArtifactAvailable`, by an Event, and by metrics.
///
/// A registry that cannot be asked is no reason to say that something is missing: the condition stays as it was.
struct ArtifactAudit: Sendable {
    let snapshots: Informer<SandboxSnapshot>
    let client: KubeClient
    let providers: SnapshotProviders
    let recorder: EventRecorder
    /// Between two looks at one snapshot.
    let interval: Double
    let metrics: ArtifactAuditMetrics
    let logger: Logger
    let calendar = AuditCalendar()
    var now: @Sendable () -> Date = { Date() }

    /// How many snapshots are looked at at a time. Each takes a request for every blob.
    private static let workers = 2
    /// Of what is missing it is seen soon when it was put back.
    private static let longestPauseIfMissing = 300.0

    /// What looks at each snapshot when its time has come.
    func controller(metrics: (any MetricsFactory)?) -> Controller<ObjectKey> {
        Controller(name: "artifactaudit", workers: Self.workers, metrics: metrics, logger: logger) { key in
            try await look(at: key)
        }
        .watching(snapshots)
    }

    /// Looks at a snapshot if it is time to.
    ///
    /// - Throws: What the API server did not do; it is tried again later.
    func look(at key: ObjectKey) async throws -> Reconciliation {
        guard let snapshot = snapshots.store[key], snapshot.metadata.deletionTimestamp == nil,
            snapshot.status?.phase == .succeed, let artifact = snapshot.status.flatMap({ Artifact($0) })
        else {
            metrics.change(from: calendar.forget(key), to: nil)
            return .done
        }
        let (due, news) = calendar.due(snapshot, every: interval, now: now())
        metrics.change(from: news.before, to: news.after)
        let delay = due.timeIntervalSince(now())
        guard delay <= 0 else { return .requeue(after: .seconds(delay)) }

        let step = await verify(artifact, in: key.namespace ?? "default")
        try Task.checkCancellation()
        let finding: AuditFinding
        var pause = interval
        switch step {
        case .done:
            finding = .available
        case .waiting(_, let reasons):
            return .requeue(
                after: reasons.compactMap { if case .after(let delay) = $0 { delay } else { nil } }.min()
                    ?? .seconds(60)
            )
        case .failed(let failure) where failure.isRetryable:
            metrics.looked("unreachable")
            logger.warning(
                "a snapshot's images could not be looked for",
                metadata: ["snapshot": "\(key)", "reason": "\(failure)"]
            )
            calendar.postpone(snapshot, to: now().addingTimeInterval(min(interval, 60)))
            return .requeue(after: .seconds(min(interval, 60)))
        case .failed(let failure):
            finding = .missing(failure.message)
            pause = min(interval, Self.longestPauseIfMissing)
        }
        metrics.looked(finding.name)
        guard try await tell(finding, of: snapshot) else { return .requeue(after: .seconds(1)) }
        let before = calendar.note(finding.name, of: snapshot, next: now().addingTimeInterval(pause))
        metrics.change(from: before, to: finding.name)
        return .requeue(after: .seconds(pause))
    }

    private func verify(_ artifact: Artifact, in namespace: String) async -> Step<Verified> {
        do {
            return try await providers.provider(of: artifact).verify(artifact, in: namespace)
        } catch {
            // A provider that this controller was not given: nobody can say.
            return .failed(SnapshotFailure(error.reason, error.message, isRetryable: true))
        }
    }

    /// Writes the condition, if it says something else.
    ///
    /// - Returns: Whether it stands there; false if the object has changed meanwhile.
    private func tell(_ finding: AuditFinding, of snapshot: SandboxSnapshot) async throws -> Bool {
        guard var told = snapshot.status else { return true }
        let condition = finding.condition(generation: snapshot.metadata.generation, now: Timestamp(now()))
        let before = told.conditions[condition.type]
        guard before?.status != condition.status || before?.message != condition.message else { return true }
        told.conditions.removeAll { $0.type == condition.type }
        told.conditions.append(condition)
        var changed = snapshot
        changed.status = told
        let change = try MergePatch(from: snapshot, to: changed)
            .requiring(resourceVersion: snapshot.metadata.resourceVersion ?? "")
        do {
            _ = try await client.resource(SandboxSnapshot.self, in: .named(snapshot.metadata.namespace ?? "default"))
                .patch(snapshot.metadata.name, .merge(change), subresource: .status)
        } catch let error as KubeError where error.isConflict || error.isNotFound {
            return false
        } catch let error as KubeError where error.kind == .invalid {
            // A schema of before that knows no such condition. The Event and the metrics tell of it.
            logger.debug("a snapshot has no place for a condition", metadata: ["reason": "\(error)"])
        }
        if case .missing(let message) = finding {
            recorder.record(.warning, about: snapshot, reason: condition.reason ?? "", message)
        } else if before?.status == "False" {
            recorder.record(.normal, about: snapshot, reason: condition.reason ?? "", condition.message ?? "")
        }
        return true
    }
}
