// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import KubeClient
import KubeModels
import KubeRuntime
import Logging
import SandboxModels
import SnapshotProvider

import struct Foundation.Date

extension SandboxSnapshotReconciler {
    /// Carries out one action.
    ///
    /// - Returns: The snapshot as it is now.
    /// - Throws: What went wrong and is worth trying again.
    func perform(
        _ action: SnapshotAction,
        of snapshot: SandboxSnapshot,
        _ record: SnapshotRecord,
        _ sightings: inout SnapshotSightings
    ) async throws -> SandboxSnapshot {
        let namespace = snapshot.metadata.namespace ?? "default"
        switch action {
        case .capture:
            return try await capture(snapshot, &sightings)
        case .verifyArtifact(let artifact):
            switch try await providers.provider(of: artifact).verify(artifact, in: namespace) {
            case .done: sightings.sight(.verified)
            case .waiting(_, let reasons): sightings.wake(on: reasons)
            case .failed(let failure):
                if failure.isRetryable { throw failure }
                sightings.sight(.missing(failure.problem))
            }
        case .endCapture:
            try await end(snapshot, record, &sightings)
        case .deleteArtifact(let artifact):
            try await delete(artifact, of: snapshot, record, in: namespace, &sightings)
        }
        return snapshot
    }

    // MARK: - The capture

    private func capture(
        _ snapshot: SandboxSnapshot,
        _ sightings: inout SnapshotSightings
    ) async throws -> SandboxSnapshot {
        var snapshot = snapshot
        do {
            guard let begun = try await begun(snapshot) else {
                sightings.isStale = true
                return snapshot
            }
            snapshot = begun
        } catch let failure as SnapshotFailure {
            if failure.isRetryable { throw failure }
            sightings.sight(.failed(failure.problem))
            return snapshot
        }
        guard let request = snapshot.ownRequest else { return snapshot }
        switch try await providers.provider(of: request).capture(request) {
        case .done(let artifact): sightings.sight(.succeeded(artifact))
        case .waiting(let progress, let reasons):
            sightings.sight(.active)
            sightings.words = CaptureProgress(progress)
            sightings.wake(on: reasons)
        case .failed(let failure):
            if failure.isRetryable { throw failure }
            sightings.sight(.failed(failure.problem))
        }
        return snapshot
    }

    /// A snapshot whose capture may be begun: what is asked for is written down, the provider has looked at it, and people know.
    ///
    /// - Returns: Nil if the object has changed since it was read.
    /// - Throws: `SnapshotFailure` if it cannot be captured; what the API server did not do.
    private func begun(_ old: SandboxSnapshot) async throws -> SandboxSnapshot? {
        var snapshot = old
        if snapshot.ownRequest == nil {
            let uid = snapshot.metadata.uid ?? snapshot.metadata.name
            guard let subject = try sandboxes.subject(snapshot.sandbox, for: uid) else {
                throw SnapshotFailure.sourcePodNotFound
            }
            // That there is one was seen when its turn came.
            let provider = providers[snapshot.spec.provider] ?? providers.standard
            let request = SnapshotRequest(
                uid: uid,
                source: try SnapshotSource(
                    subject,
                    for: snapshot,
                    in: settings.registry,
                    environment: settings.snapshotEnvironment,
                    storesImages: provider.capabilities.storesImages
                ),
                afterwards: .keepRunning,
                provider: provider.name,
                requestID: RequestID.current?.text
            )
            let annotations: JSONValue = [SnapshotRequest.annotationName: .string(request.annotation)]
            let change = MergePatch(["metadata": ["annotations": annotations]])
            guard let written = try await write(change, to: snapshot) else { return nil }
            snapshot = written
        }
        guard snapshot.status?.phase != .committing, let request = snapshot.ownRequest else { return snapshot }
        try await providers.provider(of: request).preflight(request)
        return try await tell(.capturing(nil), in: snapshot)
    }

    private func end(
        _ snapshot: SandboxSnapshot,
        _ record: SnapshotRecord,
        _ sightings: inout SnapshotSightings
    ) async throws {
        // Without a request nothing was begun.
        guard let request = snapshot.ownRequest else { return sightings.endCapture() }
        let failure: SnapshotFailure?
        let provider = try providers.provider(of: request)
        switch await provider.abandon(request) {
        case .done:
            switch await provider.forget(request) {
            case .done: return sightings.endCapture()
            case .waiting(_, let reasons):
                sightings.wake(on: reasons)
                failure = nil
            case .failed(let found): failure = found
            }
        case .waiting(_, let reasons):
            sightings.wake(on: reasons)
            failure = nil
        case .failed(let found): failure = found
        }
        // Nothing is frozen beyond its deadline, whether its node can be asked or not. A pause is not to wait for ever.
        let patience = record.since.addingTimeInterval(settings.policy.captureTimeout + settings.policy.thawGrace)
        guard now() < patience else {
            logger.warning(
                "the capture of a snapshot is taken for ended, since its deadline has passed",
                metadata: ["snapshot": "\(snapshot.key)", "failure": "\(failure.map(String.init) ?? "none")"]
            )
            return sightings.endCapture()
        }
        if let failure { throw failure }
        sightings.wake(after: .seconds(patience.timeIntervalSince(now())))
    }

    // MARK: - The artifact

    private func delete(
        _ artifact: Artifact,
        of snapshot: SandboxSnapshot,
        _ record: SnapshotRecord,
        in namespace: String,
        _ sightings: inout SnapshotSightings
    ) async throws {
        guard snapshot.deletePolicy(else: settings.snapshotDeletePolicy) == .delete, !artifact.parts.isEmpty else {
            return sightings.giveUpArtifact()
        }
        let answer: ClusterReferences.Answer
        do {
            let owner = snapshot.metadata.uid ?? ""
            answer = try await deletion.references.answer([.init(artifact: artifact, owner: owner)])
        } catch let failure as SnapshotFailure {
            return giveUp(artifact, of: snapshot, failure.problem, &sightings)
        }
        let outcome = await deletion.delete(artifact, answer, in: namespace)
        if let outcome { deletion.metrics.tried(outcome, of: artifact) }
        switch outcome {
        case .done(nil, _): sightings.giveUpArtifact()
        case .done(_?, let holder):
            recorder.record(
                .normal,
                about: snapshot,
                reason: "ImagesRetained",
                "Images of it stay in the registry: \(holder ?? "something") refers to them."
            )
            sightings.giveUpArtifact()
        case .refused(let problem): giveUp(artifact, of: snapshot, problem, &sightings)
        case .unavailable(let problem):
            let patience = record.since.addingTimeInterval(Self.deletionPatience)
            guard now() < patience else { return giveUp(artifact, of: snapshot, problem, &sightings) }
            throw SnapshotFailure(problem.reason, problem.message, isRetryable: true)
        case nil: sightings.wake(after: .seconds(1))
        }
    }

    /// Seconds for which a snapshot that is deleted waits for a registry that cannot be reached.
    private static let deletionPatience: Double = 600

    private func giveUp(
        _ artifact: Artifact,
        of snapshot: SandboxSnapshot,
        _ problem: Problem,
        _ sightings: inout SnapshotSightings
    ) {
        recorder.record(
            .warning,
            about: snapshot,
            reason: "ImagesNotDeleted",
            "Its images stay in the registry. \(problem.reason): \(problem.message)"
        )
        sightings.giveUpArtifact()
    }
}

extension SnapshotSightings {
    /// When a provider wants to be asked again. Objects are watched anyway.
    fileprivate mutating func wake(on reasons: [WakeReason]) {
        for case .after(let delay) in reasons { wake(after: delay) }
    }
}
