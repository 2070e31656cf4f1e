// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import KubeClient
import KubeModels
import KubeRuntime
import SandboxModels
import SnapshotProvider

import struct Foundation.Date

extension CheckpointReconciler {
    /// What there is to do about a checkpoint that has ended, well or not: it is deleted when its time is over.
    func age(_ checkpoint: KruiseCheckpoint) async throws -> Reconciliation {
        if let plan = try plan(of: checkpoint) {
            if checkpoint.status?.phase == .succeeded {
                try await unmarkIfResumed(plan, checkpoint)
            } else {
                guard try await letRun(plan, checkpoint) else { return .requeue(after: .zero) }
            }
        }
        guard let checkpoint = try await report(checkpoint, { _ in }) else { return .done }
        guard case .at(let date) = checkpoint.expiry else { return .done }
        let delay = date.timeIntervalSince(now())
        // A wall clock may be set, and a timer does not notice.
        guard delay <= 0 else { return .requeue(after: .seconds(min(delay, Self.longestSleep))) }
        do {
            _ = try await resource(of: checkpoint).delete(
                checkpoint.metadata.name,
                // Its owner may have given it more time just now.
                DeleteOptions(uid: checkpoint.metadata.uid, resourceVersion: checkpoint.metadata.resourceVersion)
            )
        } catch let error as KubeError where error.isConflict || error.isNotFound {
            return .done
        }
        recorder.record(
            .normal,
            about: checkpoint,
            reason: "Expired",
            "Its ttlAfterFinished of \(checkpoint.spec.ttlAfterFinished ?? "") has passed, so it is deleted."
        )
        return .done
    }

    private static let longestSleep: Double = 3600

    /// Deletes what a checkpoint has that is being deleted, and lets it go.
    ///
    /// Its template goes first, because that refers to the images. What clones refer to stays.
    func cleanUp(_ checkpoint: KruiseCheckpoint) async throws -> Reconciliation {
        guard Self.finalizer.isIn(checkpoint) else { return .done }
        let plan = try plan(of: checkpoint)
        var checkpoint = checkpoint
        if let plan, plan.artifact == nil {
            guard try await letRun(plan, checkpoint) else { return .requeue(after: .zero) }
        }
        if checkpoint.status?.phase != .terminating {
            guard let told = try await report(checkpoint, { $0.phase = .terminating }) else { return .done }
            checkpoint = told
        }
        guard try await deleteTemplate(of: checkpoint) else { return .requeue(after: .seconds(1)) }
        // Its watch tells when it is gone.
        guard try await deleteSnapshot(of: checkpoint) else { return .done }
        if let delay = try await deleteImages(of: checkpoint, plan) { return .requeue(after: delay) }
        if let gone = try await Self.finalizer.remove(from: checkpoint, resource(of: checkpoint)) {
            versions.noteEnd(of: gone)
        }
        return .done
    }

    /// - Returns: Whether it is gone.
    private func deleteTemplate(of checkpoint: KruiseCheckpoint) async throws -> Bool {
        let templates: ResourceClient<KruiseSandboxTemplate> = objects(beside: checkpoint)
        guard let template = try await templates.find(checkpoint.metadata.name), template.isControlled(by: checkpoint)
        else {
            return true
        }
        do {
            let answer = try await templates.delete(template.metadata.name, DeleteOptions(uid: template.metadata.uid))
            if case .begun(let object) = answer { return object.metadata.finalizers.isEmpty }
        } catch let error as KubeError where error.isNotFound || error.isConflict {
            return true
        }
        return true
    }

    /// - Returns: Whether it is gone.
    private func deleteSnapshot(of checkpoint: KruiseCheckpoint) async throws -> Bool {
        let snapshots: ResourceClient<SandboxSnapshot> = objects(beside: checkpoint)
        guard let snapshot = try await snapshots.find(checkpoint.metadata.name), snapshot.isControlled(by: checkpoint)
        else {
            return true
        }
        guard snapshot.metadata.deletionTimestamp == nil else { return false }
        do {
            let policy = OpenSandbox.Annotation.deletePolicy
            if snapshot.metadata.annotations[policy] != checkpoint.metadata.annotations[policy] {
                let value = checkpoint.metadata.annotations[policy].map { JSONValue.string($0) } ?? .null
                let change = MergePatch(["metadata": ["annotations": [policy: value]]])
                _ = try await snapshots.patch(snapshot.metadata.name, .merge(change))
            }
            _ = try await snapshots.delete(snapshot.metadata.name, DeleteOptions(uid: snapshot.metadata.uid))
        } catch let error as KubeError where error.isNotFound || error.isConflict {
            return try await snapshots.find(checkpoint.metadata.name)?.isControlled(by: checkpoint) != true
        }
        return try await snapshots.find(checkpoint.metadata.name)?.isControlled(by: checkpoint) != true
    }

    /// Deletes the images of a sandbox that has ended, if they are to be deleted and nobody refers to them. All others are its
    /// snapshot's.
    ///
    /// - Returns: When to try again; nil if there is nothing left to do.
    private func deleteImages(of checkpoint: KruiseCheckpoint, _ plan: KruiseCheckpointPlan?) async throws -> Duration?
    {
        guard let artifact = try plan?.endedArtifact(), !artifact.parts.isEmpty,
            checkpoint.deletePolicy(else: settings.snapshotDeletePolicy) == .delete
        else { return nil }
        let answer: ClusterReferences.Answer
        do {
            let question = ClusterReferences.Question(artifact: artifact, owner: checkpoint.metadata.uid ?? "")
            answer = try await deletion.references.answer([question])
        } catch let failure as SnapshotFailure {
            keepImages(of: checkpoint, failure.problem)
            return nil
        }
        let outcome = await deletion.delete(artifact, answer, in: checkpoint.metadata.namespace ?? "default")
        if let outcome { deletion.metrics.tried(outcome, of: artifact) }
        switch outcome {
        case nil: return .seconds(1)
        case .done(let retained, let holder):
            guard retained != nil else { return nil }
            recorder.record(
                .normal,
                about: checkpoint,
                reason: "ImagesRetained",
                "Images of it stay in the registry: \(holder ?? "something") refers to them."
            )
            return nil
        case .refused(let problem):
            keepImages(of: checkpoint, problem)
            return nil
        case .unavailable(let problem):
            let begun = checkpoint.metadata.deletionTimestamp?.date ?? now()
            guard now() >= begun.addingTimeInterval(Self.deletionPatience) else {
                throw SnapshotFailure(problem.reason, problem.message, isRetryable: true)
            }
            keepImages(of: checkpoint, problem)
            return nil
        }
    }

    /// Seconds for which a checkpoint that is deleted waits for a registry that cannot be reached.
    private static let deletionPatience: Double = 600

    private func keepImages(of checkpoint: KruiseCheckpoint, _ problem: Problem) {
        recorder.record(
            .warning,
            about: checkpoint,
            reason: "ImagesNotDeleted",
            "Its images stay in the registry. \(problem.reason): \(problem.message)"
        )
    }
}
