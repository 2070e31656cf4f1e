// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import KubeClient
import KubeModels
import KubeRuntime
import SandboxModels
import SnapshotProvider

import struct Foundation.Data
import class Foundation.JSONDecoder
import class Foundation.JSONEncoder

/// Checkpoints with which their sandbox ends. It is paused by its own machine: so it is frozen from its last capture until its pod is
/// gone, and nothing that it did is lost. What is written into the sandbox, a mark and the wish, is the order; its machine does the
/// rest.
extension CheckpointReconciler {
    /// Has the sandbox end, and tells how far that is.
    ///
    /// - Throws: `KruiseCheckpointRefusal` if it will not come about; what the API server did not do.
    func end(_ checkpoint: KruiseCheckpoint, _ plan: KruiseCheckpointPlan) async throws -> Reconciliation {
        if let artifact = try plan.endedArtifact() {
            return try await finish(checkpoint, plan, with: artifact, ArtifactSummary(artifact))
        }
        switch try await ending(checkpoint, plan) {
        case .wait(let reason):
            _ = try await tell(.waiting(reason), plan, in: checkpoint)
            return .done
        case .order:
            guard let told = try await tell(.creating(nil), plan, in: checkpoint) else { return .done }
            try await order(told, plan)
            return .done
        case .creating(let progress):
            _ = try await tell(.creating(progress), plan, in: checkpoint)
            return .done
        case .captured(let artifact):
            // The sandbox may be deleted from now on.
            var plan = plan
            plan.artifact = try RawJSON(String(decoding: JSONEncoder().encode(artifact), as: UTF8.self))
            let annotation: JSONValue = [Kruise.Annotation.checkpointPlan: .string(plan.jsonText)]
            guard let written = try await write(["annotations": annotation], to: checkpoint) else { return .done }
            return try await finish(written, plan, with: artifact, ArtifactSummary(artifact))
        case .failed(let problem):
            throw KruiseCheckpointRefusal(problem)
        }
    }

    private func ending(
        _ checkpoint: KruiseCheckpoint,
        _ plan: KruiseCheckpointPlan
    ) async throws -> KruiseCheckpointEnding {
        let cached = sandbox(of: plan, checkpoint)
        let next = try ending(plan, cached)
        guard case .failed = next else { return next }
        // That is final, and a cache may be behind.
        let current: KruiseSandbox? = try await objects(beside: checkpoint).find(plan.sandboxName)
        return try ending(plan, current)
    }

    private func ending(_ plan: KruiseCheckpointPlan, _ sandbox: KruiseSandbox?) throws -> KruiseCheckpointEnding {
        guard let sandbox else { return .next(plan, nil, nil, nil) }
        return .next(
            plan,
            sandbox,
            try MachineState.storedRecord(in: sandbox),
            try PauseIntent(recordedIn: sandbox.metadata)
        )
    }

    private func sandbox(of plan: KruiseCheckpointPlan, _ checkpoint: KruiseCheckpoint) -> KruiseSandbox? {
        sandboxes.sandboxes.store[ObjectKey(namespace: checkpoint.metadata.namespace, name: plan.sandboxName)]
    }

    /// Marks the sandbox and has it paused, both at once. If it has changed since it was read, its watch tells of that.
    private func order(_ checkpoint: KruiseCheckpoint, _ plan: KruiseCheckpointPlan) async throws {
        guard let sandbox = sandbox(of: plan, checkpoint) else { return }
        let change: JSONValue = [
            "metadata": ["annotations": [Kruise.Annotation.endedBy: .string(plan.uid)]], "spec": ["paused": true],
        ]
        _ = try await write(change, to: sandbox)
    }

    /// Takes the mark from a sandbox that has ended, and that its owner has running again.
    func unmarkIfResumed(_ plan: KruiseCheckpointPlan, _ checkpoint: KruiseCheckpoint) async throws {
        guard plan.endsSandbox, let sandbox = sandbox(of: plan, checkpoint), sandbox.isMarked(by: plan),
            sandbox.spec.paused != true
        else { return }
        _ = try await write(Self.unmarking, to: sandbox)
    }

    /// Takes the mark from a sandbox that does not end with its checkpoint after all, and has it run on.
    ///
    /// - Returns: Whether it has none now. If it has changed since it was read, it may still have it.
    func letRun(_ plan: KruiseCheckpointPlan, _ checkpoint: KruiseCheckpoint) async throws -> Bool {
        guard plan.endsSandbox else { return true }
        // What was written just now may not be in the cache yet, and nobody looks again.
        let found: KruiseSandbox? = try await objects(beside: checkpoint).find(plan.sandboxName)
        guard let found, found.isMarked(by: plan) else { return true }
        var change = Self.unmarking
        if found.spec.paused == true { change["spec"] = ["paused": false] }
        return try await write(change, to: found)
    }

    private static let unmarking: JSONValue = ["metadata": ["annotations": [Kruise.Annotation.endedBy: .null]]]

    /// - Returns: Whether it was still the one that was read, or is gone.
    private func write(_ change: JSONValue, to sandbox: KruiseSandbox) async throws -> Bool {
        let change = MergePatch(change).requiring(resourceVersion: sandbox.metadata.resourceVersion ?? "")
        let sandboxes = client.resource(KruiseSandbox.self, in: .named(sandbox.metadata.namespace ?? "default"))
        do {
            _ = try await sandboxes.patch(sandbox.metadata.name, .merge(change))
            return true
        } catch let error as KubeError where error.isConflict {
            return false
        } catch let error as KubeError where error.isNotFound {
            return true
        }
    }
}

extension KruiseSandbox {
    /// Whether it is the very sandbox of a plan, and ends with it.
    fileprivate func isMarked(by plan: KruiseCheckpointPlan) -> Bool {
        metadata.uid == plan.sandboxUID && metadata.annotations[Kruise.Annotation.endedBy] == plan.uid
    }
}

extension KruiseCheckpointPlan {
    /// What was captured of a sandbox that has ended; nil if that is not known yet.
    func endedArtifact() throws -> Artifact? {
        try artifact.map { try JSONDecoder().decode(Artifact.self, from: Data($0.text.utf8)) }
    }
}
