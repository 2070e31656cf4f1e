// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import KubeClient
import KubeModels
import KubeRuntime
import SandboxModels

/// Sandboxes whose pods are of a pool. Nothing is written down of them, so whose turn it is stands in an annotation of their own,
/// written by compare and swap as well.
extension SandboxSnapshotReconciler {
    private static let turnAnnotation = "stasis.dev/snapshot-turn"

    /// Whether it is the turn of a snapshot of a sandbox from a pool: taken if nobody has it and no older one waits.
    func turn(of snapshot: SandboxSnapshot, inPooled sandbox: BatchSandbox) async throws -> SnapshotTurn {
        let uid = snapshot.metadata.uid ?? snapshot.metadata.name
        let holder = sandbox.metadata.annotations[Self.turnAnnotation]
        if holder == uid { return .granted }
        guard sandbox.metadata.deletionTimestamp == nil else { return .refused(.sourceGone("The sandbox is deleted")) }
        let pods = try pooledPods(of: sandbox)
        guard pods.contains(where: \.isRunning) else {
            let isNew = try sandbox.allocation(OpenSandbox.Annotation.allocStatus).pods.isEmpty
            if isNew || pods.contains(where: \.isStarting) { return .waiting("the sandbox is starting") }
            return .refused(.sourceGone("The pods that the sandbox was given are gone"))
        }
        let queue = SnapshotQueue(of: sandbox, in: snapshots.store)
        if let held = queue.entries.first(where: { $0.uid == holder }), held.isOver != true {
            return .waiting("another snapshot of the sandbox is being taken")
        }
        let next = queue.entries.first { $0.isOver == false && ($0.isRecorded || $0.uid == uid) }
        guard next?.uid == uid else { return .waiting("another snapshot of the sandbox is older") }
        let change = MergePatch(["metadata": ["annotations": [Self.turnAnnotation: .string(uid)]]])
            .requiring(resourceVersion: sandbox.metadata.resourceVersion ?? "")
        do {
            _ = try await client.resource(BatchSandbox.self, in: .named(sandbox.metadata.namespace ?? "default"))
                .patch(sandbox.metadata.name, .merge(change))
            return .granted
        } catch let error as KubeError where error.isConflict || error.isNotFound {
            // Its watch tells of what has changed.
            return .waiting("the sandbox is changing")
        }
    }

    /// The pods that a pool has given a sandbox and has not got back, in their order, as far as they are there.
    ///
    /// - Throws: `JSONError` if an annotation is no list of pods.
    func pooledPods(of sandbox: BatchSandbox) throws -> [Pod] {
        let released = Set(
            try sandbox.allocation(OpenSandbox.Annotation.allocRelease).pods
                + sandbox.allocation(OpenSandbox.Annotation.allocReleased).pods
        )
        return try sandbox.allocation(OpenSandbox.Annotation.allocStatus).pods
            .filter { !released.contains($0) }
            .compactMap { pods.store[sandbox.metadata.namespace, $0] }
    }
}

extension Pod {
    /// Whether it could be captured.
    var isRunning: Bool { metadata.deletionTimestamp == nil && status?.phase == "Running" }

    /// Whether it will run.
    fileprivate var isStarting: Bool {
        metadata.deletionTimestamp == nil && (status?.phase ?? "Pending") == "Pending"
    }
}
