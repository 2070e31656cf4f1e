// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import KubeClient
import KubeModels
import KubeRuntime
import SandboxModels
import SnapshotProvider

extension CheckpointReconciler {
    /// Has the SandboxSnapshot of a checkpoint taken, after which its sandbox goes on, and tells how far that is.
    ///
    /// - Throws: `KruiseCheckpointRefusal` if it will not come about; what the API server did not do.
    func capture(_ checkpoint: KruiseCheckpoint, _ plan: KruiseCheckpointPlan) async throws -> Reconciliation {
        let snapshot = try await snapshot(of: checkpoint, plan)
        guard snapshot.isControlled(by: checkpoint) else {
            throw KruiseCheckpointRefusal.nameTaken("SandboxSnapshot", snapshot.metadata.name)
        }
        let stage = KruiseCheckpointStage(snapshot.status)
        if case .captured(let summary) = stage {
            let state = try SandboxSnapshotState(of: snapshot, now: now())
            guard case .ready(let artifact) = state.record.phase else { throw KruiseCheckpointRefusal.snapshotGone }
            return try await finish(checkpoint, plan, with: artifact, summary)
        }
        guard snapshot.metadata.deletionTimestamp == nil else { throw KruiseCheckpointRefusal.snapshotGone }
        guard let told = try await tell(stage, plan, in: checkpoint) else { return .done }
        return told.status?.isFinal == true ? try await age(told) : .done
    }

    /// The snapshot of its name. One is made if there is none, unless there has been one.
    private func snapshot(
        of checkpoint: KruiseCheckpoint,
        _ plan: KruiseCheckpointPlan
    ) async throws -> SandboxSnapshot {
        if let cached = snapshots.store[checkpoint.key] { return cached }
        let client: ResourceClient<SandboxSnapshot> = objects(beside: checkpoint)
        if checkpoint.status?.phase == .creating {
            guard let found = try await client.find(checkpoint.metadata.name) else {
                throw KruiseCheckpointRefusal.snapshotGone
            }
            return found
        }
        do {
            return try await client.create(SandboxSnapshot(of: checkpoint, plan))
        } catch let error as KubeError where error.isAlreadyExists {
            // The cache has not heard of it yet.
            return try await client.get(checkpoint.metadata.name)
        }
    }

    /// Pairs a checkpoint with the template that clones of it are made from, and tells that it can be used.
    ///
    /// - Parameters:
    ///   - artifact: What was captured; nil if nothing was to be.
    ///   - summary: The same for people.
    /// - Throws: `KruiseCheckpointRefusal` if no clone could be made from it; what the API server did not do.
    func finish(
        _ checkpoint: KruiseCheckpoint,
        _ plan: KruiseCheckpointPlan,
        with artifact: Artifact?,
        _ summary: ArtifactSummary?
    ) async throws -> Reconciliation {
        var template = plan.template
        if let artifact { template.template = try restored(template, from: artifact) }
        try await pair(checkpoint, with: template)
        var plan = plan
        // One that runs on may have been changed since it was decided.
        if !plan.endsSandbox { plan.delta = try await delta(plan, of: checkpoint) }
        var checkpoint = checkpoint
        let name = checkpoint.metadata.name
        if checkpoint.metadata.labels[Kruise.Label.checkpointID] == nil, NameRule.labelValue.allows(name) {
            let labels: JSONValue = [Kruise.Label.checkpointID: .string(name)]
            guard let written = try await write(["labels": labels], to: checkpoint) else { return .done }
            checkpoint = written
        }
        guard let told = try await tell(.captured(summary), plan, in: checkpoint) else { return .done }
        return try await age(told)
    }

    // MARK: - The template of clones

    /// The template of pods that start from what was captured.
    private func restored(_ template: KruiseSandboxTemplateSpec, from artifact: Artifact) throws -> RawJSON {
        do {
            let patch = try providers.provider(of: artifact).restore(artifact)
            // That there is one was seen when it was decided to capture.
            guard var pods = try template.podTemplate() else { throw KruisePodError.missing }
            try pods.restore(patch, pullSecret: settings.pullSecret)
            return RawJSON(pods)
        } catch let failure as SnapshotFailure {
            if failure.isRetryable { throw failure }
            throw KruiseCheckpointRefusal(failure.problem)
        } catch {
            throw KruiseCheckpointRefusal(
                KruiseCheckpointCondition.Reason.templateUnreadable,
                "What was captured cannot be put into the template of the sandbox: \(error)"
            )
        }
    }

    /// Makes the SandboxTemplate of the checkpoint's name, which goes with it. One that whoever asked for the checkpoint has made for
    /// it before becomes what it is to be.
    private func pair(_ checkpoint: KruiseCheckpoint, with spec: KruiseSandboxTemplateSpec) async throws {
        let templates: ResourceClient<KruiseSandboxTemplate> = objects(beside: checkpoint)
        let name = checkpoint.metadata.name
        var template = KruiseSandboxTemplate()
        template.metadata.name = name
        template.metadata.ownerReferences = [checkpoint.controllerReference()]
        template.spec = spec
        do {
            _ = try await templates.create(template)
            return
        } catch let error as KubeError where error.isAlreadyExists {
            guard let other = try await templates.find(name) else { throw error }
            guard other.isControlled(by: checkpoint) else {
                throw KruiseCheckpointRefusal.nameTaken("SandboxTemplate", name)
            }
            var changed = other
            changed.spec = spec
            let change = try MergePatch(from: other, to: changed)
            guard !change.isEmpty else { return }
            _ = try await templates.patch(
                name,
                .merge(change.requiring(resourceVersion: other.metadata.resourceVersion ?? ""))
            )
        }
    }
}

extension SandboxSnapshot {
    /// That of a checkpoint: of its name, and gone with it.
    fileprivate init(of checkpoint: KruiseCheckpoint, _ plan: KruiseCheckpointPlan) {
        self.init()
        metadata.name = checkpoint.metadata.name
        metadata.ownerReferences = [checkpoint.controllerReference()]
        // What becomes of the images is for the owner of the checkpoint to say.
        metadata.annotations[OpenSandbox.Annotation.deletePolicy] =
            checkpoint.metadata.annotations[OpenSandbox.Annotation.deletePolicy]
        metadata.annotations[OpenSandbox.Annotation.requestID] =
            checkpoint.metadata.annotations[OpenSandbox.Annotation.requestID]
        spec.sandboxName = plan.sandboxName
        spec.source = .with {
            $0.apiVersion = KruiseSandbox.resourceType.apiVersion
            $0.kind = KruiseSandbox.resourceType.kind
            $0.name = plan.sandboxName
        }
    }
}

extension KruiseCheckpointRefusal {
    fileprivate static let snapshotGone = KruiseCheckpointRefusal(
        KruiseCheckpointCondition.Reason.snapshotGone,
        "Somebody has deleted the SandboxSnapshot of this Checkpoint before it was ready. Make a new Checkpoint."
    )
}
