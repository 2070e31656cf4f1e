// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import KubeClient
import KubeModels
import KubeRuntime
import SandboxModels
import SnapshotProvider

extension CheckpointReconciler {
    /// Decides what is to be captured, writes it down, and begins. What could refuse it is asked before anything is frozen.
    ///
    /// - Throws: `KruiseCheckpointRefusal` if it will not come about; what the API server did not do.
    func begin(_ checkpoint: KruiseCheckpoint) async throws -> Reconciliation {
        let sandbox = try await source(of: checkpoint)
        let whole = try await specification(of: sandbox, checkpoint)
        let contents = try KruiseCheckpointContents(
            of: checkpoint.spec.persistentContents,
            sandbox: whole.persistentContents,
            saved: providers.standard.capabilities.contents.kruise
        )
        let endsSandbox = checkpoint.spec.keepRunning == false
        // Without a capture it would lose all that it has done.
        guard !endsSandbox || !contents.isInfoOnly else { throw KruiseCheckpointRefusal.endsWithoutCapture }
        try await refuseTakenNames(checkpoint)
        let decided = KruiseCheckpointPlan.with {
            $0.uid = checkpoint.metadata.uid ?? ""
            $0.sandboxName = sandbox.metadata.name
            $0.sandboxUID = sandbox.metadata.uid ?? ""
            $0.contents = contents.captured
            $0.missing = contents.missing
            $0.isExplicit = contents.isExplicit
            $0.endsSandbox = endsSandbox
            $0.template = whole
        }
        var plan = decided
        plan.delta = try await delta(plan, of: checkpoint)
        guard let written = try await write(plan, contents.label, to: checkpoint) else { return .done }
        return try await advance(written, plan)
    }

    /// How the sandbox's pod differs now from what it was made from; what is known of that if it has none.
    func delta(_ plan: KruiseCheckpointPlan, of checkpoint: KruiseCheckpoint) async throws -> RawJSON? {
        let pods: ResourceClient<Pod> = objects(beside: checkpoint)
        guard let pod = try await pods.find(plan.sandboxName),
            pod.metadata.ownerReferences.contains(where: { $0.controller == true && $0.uid == plan.sandboxUID }),
            let template = try? plan.template.podTemplate()
        else { return plan.delta }
        return KruisePodTemplateDelta(of: pod, from: template).map { RawJSON($0.patch) }
    }

    private func write(
        _ plan: KruiseCheckpointPlan,
        _ type: String,
        to checkpoint: KruiseCheckpoint
    ) async throws -> KruiseCheckpoint? {
        var annotations = checkpoint.metadata.annotations
        annotations[Kruise.Annotation.checkpointPlan] = plan.jsonText
        guard AnnotationRoom.size(annotations) <= AnnotationRoom.limit else {
            throw KruiseCheckpointRefusal.tooLarge(plan)
        }
        var labels: [String: JSONValue] = [Kruise.Label.checkpointType: .string(type)]
        // Who has set it himself has his reasons.
        if checkpoint.metadata.labels[Kruise.Label.sandboxName] == nil, NameRule.labelValue.allows(plan.sandboxName) {
            labels[Kruise.Label.sandboxName] = .string(plan.sandboxName)
        }
        var metadata: [String: JSONValue] = [
            "annotations": [Kruise.Annotation.checkpointPlan: .string(plan.jsonText)], "labels": .object(labels),
        ]
        if !plan.isInfoOnly, !Self.finalizer.isIn(checkpoint) {
            let finalizers = checkpoint.metadata.finalizers + [Self.finalizer.name]
            metadata["finalizers"] = .array(finalizers.map { .string($0) })
        }
        return try await write(metadata, to: checkpoint)
    }

    // MARK: - The sandbox

    /// The sandbox that is to be captured.
    private func source(of checkpoint: KruiseCheckpoint) async throws -> KruiseSandbox {
        let name = try await sandboxName(of: checkpoint)
        let key = ObjectKey(namespace: checkpoint.metadata.namespace, name: name)
        var found = sandboxes.sandboxes.store[key]
        // A refusal is final, and a cache may be behind.
        if found == nil { found = try await objects(beside: checkpoint).find(name) }
        guard let found, found.metadata.deletionTimestamp == nil else {
            throw KruiseCheckpointRefusal.noSandbox(name, checkpoint)
        }
        return found
    }

    /// The name of the sandbox. A pod has that of its own sandbox, unless its label says another one.
    private func sandboxName(of checkpoint: KruiseCheckpoint) async throws -> String {
        let sandbox = checkpoint.spec.sandboxName.flatMap { $0.isEmpty ? nil : $0 }
        let pod = checkpoint.spec.podName.flatMap { $0.isEmpty ? nil : $0 }
        switch (sandbox, pod) {
        case (nil, nil): throw KruiseCheckpointRefusal.noSource
        case (let sandbox?, nil): return sandbox
        case (let sandbox?, let pod?) where sandbox == pod: return sandbox
        case (let sandbox?, let pod?):
            guard try await owner(ofPod: pod, of: checkpoint) == sandbox else {
                throw KruiseCheckpointRefusal.contradiction(sandbox, pod)
            }
            return sandbox
        case (nil, let pod?):
            if sandboxes.sandboxes.store[ObjectKey(namespace: checkpoint.metadata.namespace, name: pod)] != nil {
                return pod
            }
            return try await owner(ofPod: pod, of: checkpoint) ?? pod
        }
    }

    private func owner(ofPod name: String, of checkpoint: KruiseCheckpoint) async throws -> String? {
        let pods: ResourceClient<Pod> = objects(beside: checkpoint)
        guard let pod = try await pods.find(name) else { return nil }
        return pod.controller(KruiseSandbox.self)?.name ?? pod.metadata.labels[Kruise.Label.sandboxName]
    }

    /// All that the sandbox is made from.
    private func specification(
        of sandbox: KruiseSandbox,
        _ checkpoint: KruiseCheckpoint
    ) async throws -> KruiseSandboxTemplateSpec {
        var whole: KruiseSandboxTemplateSpec
        do {
            whole = try sandboxes.specification(of: sandbox).get()
        } catch {
            // A refusal is final, and a cache may be behind.
            let templates: ResourceClient<KruiseSandboxTemplate> = objects(beside: checkpoint)
            guard let found = try await templates.find(error.reference.name) else {
                throw KruiseCheckpointRefusal(error.problem)
            }
            whole = sandbox.specification(with: found)
        }
        do {
            guard try whole.podTemplate() != nil else { throw KruisePodError.missing }
        } catch {
            throw KruiseCheckpointRefusal(
                KruiseCheckpointCondition.Reason.templateUnreadable,
                "It cannot be told what the sandbox \(sandbox.metadata.name) is made from, so clones could not be made: \(error)"
            )
        }
        return whole
    }

    // MARK: - What is in the way

    /// Refuses a checkpoint whose snapshot or template would have the name of somebody else's.
    private func refuseTakenNames(_ checkpoint: KruiseCheckpoint) async throws {
        let name = checkpoint.metadata.name
        let snapshots: ResourceClient<SandboxSnapshot> = objects(beside: checkpoint)
        if let other = try await snapshots.find(name), !other.isControlled(by: checkpoint) {
            throw KruiseCheckpointRefusal.nameTaken("SandboxSnapshot", name)
        }
        let templates: ResourceClient<KruiseSandboxTemplate> = objects(beside: checkpoint)
        if let other = try await templates.find(name), !other.isControlled(by: checkpoint) {
            throw KruiseCheckpointRefusal.nameTaken("SandboxTemplate", name)
        }
    }
}

extension ProviderCapabilities.Contents {
    /// The same in the words of the dialect.
    var kruise: Set<KruiseContent> {
        var contents: Set<KruiseContent> = []
        if contains(.filesystem) { contents.insert(.filesystem) }
        if contains(.memory) { contents.insert(.memory) }
        return contents
    }
}

extension KruiseCheckpointRefusal {
    /// Something is there under the name that is needed.
    static func nameTaken(_ kind: String, _ name: String) -> KruiseCheckpointRefusal {
        KruiseCheckpointRefusal(
            KruiseCheckpointCondition.Reason.nameTaken,
            "There is a \(kind) \(name) that is not this Checkpoint's, and its own would have that name. Give a new Checkpoint another "
                + "name, or delete that \(kind)."
        )
    }

    fileprivate static let noSource = KruiseCheckpointRefusal(
        KruiseCheckpointCondition.Reason.invalidSource,
        "Neither spec.podName nor spec.sandboxName says what to capture. Name the sandbox in a new Checkpoint."
    )

    fileprivate static func contradiction(_ sandbox: String, _ pod: String) -> KruiseCheckpointRefusal {
        KruiseCheckpointRefusal(
            KruiseCheckpointCondition.Reason.invalidSource,
            "spec.sandboxName is \(sandbox), and spec.podName is \(pod), which is no pod of that sandbox. Name one of them, or both of "
                + "the same sandbox, in a new Checkpoint."
        )
    }

    fileprivate static func noSandbox(_ name: String, _ checkpoint: KruiseCheckpoint) -> KruiseCheckpointRefusal {
        KruiseCheckpointRefusal(
            KruiseCheckpointCondition.Reason.sandboxNotFound,
            "There is no Sandbox \(name) in namespace \(checkpoint.metadata.namespace ?? "default"), or it is being deleted. Name one "
                + "that runs in a new Checkpoint."
        )
    }

    fileprivate static func tooLarge(_ plan: KruiseCheckpointPlan) -> KruiseCheckpointRefusal {
        KruiseCheckpointRefusal(
            KruiseCheckpointCondition.Reason.templateTooLarge,
            "The template of the sandbox \(plan.sandboxName) is too large to be written down: all annotations of an object may have "
                + "256 KiB. Move what makes it large into a ConfigMap."
        )
    }

    fileprivate static let endsWithoutCapture = KruiseCheckpointRefusal(
        KruiseCheckpointCondition.Reason.invalidContents,
        "spec.keepRunning is false, and spec.persistentContents is podInfo alone: the sandbox would end and lose all that it has done. "
            + "List filesystem in a new Checkpoint, or delete the sandbox."
    )
}
