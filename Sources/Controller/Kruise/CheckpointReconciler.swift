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

/// Captures sandboxes as the Checkpoints of the Kruise dialect ask for it: decides what is to be captured and writes that down, has a
/// SandboxSnapshot of the same name taken, or its sandbox end, and tells what comes of it.
///
/// As elsewhere nothing is kept in memory, and what is written down is written only if nobody has changed the object since it was
/// read.
struct CheckpointReconciler: Sendable {
    /// Made with `StoreIndex.sandbox`.
    let checkpoints: Informer<KruiseCheckpoint>
    let sandboxes: KruiseSandboxes
    let snapshots: Informer<SandboxSnapshot>
    let client: KubeClient
    let providers: SnapshotProviders
    let deletion: ImageDeletion
    let settings: SandboxControllerSettings
    let recorder: EventRecorder
    let logger: Logger
    let versions = WrittenVersions()
    var now: @Sendable () -> Date = { Date() }

    /// Keeps a Checkpoint until what it captured is deleted.
    static let finalizer = Finalizer(Kruise.Finalizer.checkpoint)

    /// Works on Checkpoints when they change, when their snapshots do, and when the sandboxes do that end with them.
    func controller(workers: Int, metrics: (any MetricsFactory)?, logger: Logger) -> Controller<ObjectKey> {
        Controller(name: "checkpoint", workers: workers, metrics: metrics, logger: logger) { key in
            try await reconcile(key)
        }
        .watching(checkpoints)
        .watchingOwned(snapshots, by: KruiseCheckpoint.self)
        .watching(sandboxes.sandboxes) { [store = checkpoints.store] change in
            let sandbox = change.object.metadata
            let index = StoreIndex<KruiseCheckpoint>.sandboxKey(sandbox.namespace, sandbox.name)
            return store.objects(.sandbox, index)
                .filter { $0.spec.keepRunning == false || $0.status?.isFinal != true }
                .map(\.key)
        }
        // Not before they are all known: what is written down is what a sandbox was made from.
        .watching(sandboxes.templates) { _ in [] }
    }

    /// Brings one checkpoint nearer to its end.
    ///
    /// - Throws: What the API server or the provider did not do; the checkpoint is looked at again later.
    func reconcile(_ key: ObjectKey) async throws -> Reconciliation {
        guard let checkpoint = checkpoints.store[key] else {
            versions.forget(key)
            return .done
        }
        guard !versions.isBehind(checkpoint) else { return .done }
        if checkpoint.metadata.deletionTimestamp != nil { return try await cleanUp(checkpoint) }
        if checkpoint.status?.isFinal == true { return try await age(checkpoint) }
        do {
            guard let plan = try plan(of: checkpoint) else { return try await begin(checkpoint) }
            return try await advance(checkpoint, plan)
        } catch let refusal as KruiseCheckpointRefusal {
            let plan = try plan(of: checkpoint)
            guard let told = try await tell(.failed(refusal.problem), plan, in: checkpoint) else { return .done }
            return try await age(told)
        }
    }

    /// Goes on with what was decided.
    ///
    /// - Throws: `KruiseCheckpointRefusal` if it will not come about.
    func advance(_ checkpoint: KruiseCheckpoint, _ plan: KruiseCheckpointPlan) async throws -> Reconciliation {
        if plan.isInfoOnly { return try await finish(checkpoint, plan, with: nil, .none) }
        return plan.endsSandbox ? try await end(checkpoint, plan) : try await capture(checkpoint, plan)
    }

    /// What it was decided to capture; nil if that is not decided yet.
    func plan(of checkpoint: KruiseCheckpoint) throws -> KruiseCheckpointPlan? {
        do {
            return try checkpoint.plan()
        } catch {
            throw UnreadablePlan(cause: error)
        }
    }

    /// The annotation cannot be read. Nothing is done then: what it stands for may hold a sandbox frozen.
    private struct UnreadablePlan: Error, CustomStringConvertible {
        let cause: JSONError

        var description: String {
            "the annotation \(Kruise.Annotation.checkpointPlan) cannot be read (\(cause)). If it was edited, put back what was there; "
                + "if a newer version of the controller has written it, run that one"
        }
    }

    // MARK: - Writing

    /// Writes something down, if the object is still the one that was read.
    ///
    /// - Returns: The object as it is now; nil if it has changed since, or is gone. Its watch tells of that.
    func write(_ metadata: [String: JSONValue], to checkpoint: KruiseCheckpoint) async throws -> KruiseCheckpoint? {
        let change = MergePatch(["metadata": .object(metadata)])
            .requiring(resourceVersion: checkpoint.metadata.resourceVersion ?? "")
        do {
            let written = try await resource(of: checkpoint).patch(checkpoint.metadata.name, .merge(change))
            versions.note(written)
            return written
        } catch let error as KubeError where error.isConflict || error.isNotFound {
            return nil
        }
    }

    /// Tells how far it is, if that is news.
    ///
    /// - Returns: The object as it is now; nil if it has changed since it was read, or is gone.
    func tell(
        _ stage: KruiseCheckpointStage,
        _ plan: KruiseCheckpointPlan?,
        in checkpoint: KruiseCheckpoint
    ) async throws -> KruiseCheckpoint? {
        try await report(checkpoint) { status in
            status.tell(stage, named: checkpoint.metadata.name, plan, now: Timestamp(now()))
        }
    }

    /// Changes the status, and tells people what has changed.
    ///
    /// - Returns: As above.
    func report(
        _ checkpoint: KruiseCheckpoint,
        _ change: (inout KruiseCheckpointStatus) -> Void
    ) async throws -> KruiseCheckpoint? {
        var status = checkpoint.status ?? KruiseCheckpointStatus()
        status.observedGeneration = checkpoint.metadata.generation
        change(&status)
        status.tell(checkpoint.expiry, now: Timestamp(now()))
        guard status != checkpoint.status else { return checkpoint }
        var told = checkpoint
        told.status = status
        let patch = try MergePatch(from: checkpoint, to: told)
            .requiring(resourceVersion: checkpoint.metadata.resourceVersion ?? "")
        do {
            told = try await resource(of: checkpoint)
                .patch(checkpoint.metadata.name, .merge(patch), subresource: .status)
        } catch let error as KubeError where error.isConflict || error.isNotFound {
            return nil
        }
        versions.note(told)
        for note in CheckpointNote.notes(from: checkpoint.status, to: status, of: try plan(of: checkpoint)) {
            recorder.record(note.severity, about: told, reason: note.reason, note.message)
        }
        return told
    }

    /// The checkpoints of one's namespace.
    func resource(of checkpoint: KruiseCheckpoint) -> ResourceClient<KruiseCheckpoint> { objects(beside: checkpoint) }

    /// The objects of a type in the namespace of a checkpoint.
    func objects<Object: KubeResource>(beside checkpoint: KruiseCheckpoint) -> ResourceClient<Object> {
        client.resource(in: .named(checkpoint.metadata.namespace ?? "default"))
    }
}

extension KubeObject {
    /// Whether a checkpoint controls it, and not another one that had its name.
    func isControlled(by checkpoint: KruiseCheckpoint) -> Bool {
        metadata.ownerReferences.contains { $0.controller == true && $0.uid == checkpoint.metadata.uid }
    }
}

extension StoreIndex<KruiseCheckpoint> {
    /// By the sandbox that they are of, as far as they say so themselves.
    static let sandbox = StoreIndex("sandbox") { checkpoint in
        let names = [
            checkpoint.spec.sandboxName, checkpoint.spec.podName, checkpoint.metadata.labels[Kruise.Label.sandboxName],
        ]
        return Set(names.compactMap(\.self)).map { sandboxKey(checkpoint.metadata.namespace, $0) }
    }

    /// A sandbox in the index.
    static func sandboxKey(_ namespace: String?, _ name: String) -> String { "\(namespace ?? "")/\(name)" }
}
