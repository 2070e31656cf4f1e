// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import KubeModels
import KubeRuntime
import SandboxModels

/// The pods whose executors run the tasks of a sandbox.
struct TaskPods {
    /// They, and nothing that they have answered.
    var pods: [TaskPod] = []
    /// Where their executors are, by their UIDs.
    var addresses: [String: String] = [:]
    /// Whether there may be more of them than are known here.
    var isIncomplete = false

    /// - Throws: `JSONError` if the pods that a pool has given cannot be read.
    init(of sandbox: BatchSandbox, in store: Store<Pod>) throws(JSONError) {
        if sandbox.isIndependent {
            for index in 0..<max(min(sandbox.spec.replicas, AnnotationRoom.replicas(of: sandbox)), 0) {
                add(sandbox.podName(index), at: index, of: sandbox, store) {
                    $0.controller == true && $0.uid == sandbox.metadata.uid
                }
            }
            return
        }
        let names = try sandbox.allocation(OpenSandbox.Annotation.allocStatus).pods
        let returned = Set(
            try sandbox.allocation(OpenSandbox.Annotation.allocRelease).pods
                + sandbox.allocation(OpenSandbox.Annotation.allocReleased).pods
        )
        for (index, name) in names.enumerated() where !returned.contains(name) {
            // An annotation may name any pod; commands are run in those of pools only.
            let isKnown = add(name, at: index, of: sandbox, store) { $0.controller == true && $0.kind == "Pool" }
            if !isKnown { isIncomplete = true }
        }
    }

    @discardableResult
    private mutating func add(
        _ name: String,
        at place: Int,
        of sandbox: BatchSandbox,
        _ store: Store<Pod>,
        isOwner: (OwnerReference) -> Bool
    ) -> Bool {
        guard let pod = store[ObjectKey(namespace: sandbox.metadata.namespace, name: name)] else { return false }
        guard pod.metadata.ownerReferences.contains(where: isOwner), let uid = pod.metadata.uid else { return true }
        let phase = pod.status?.phase
        // Nothing runs on it any more.
        guard phase != "Succeeded", phase != "Failed" else { return true }
        let address = pod.status?.podIP.flatMap { $0.isEmpty || phase != "Running" ? nil : $0 }
        addresses[uid] = address
        pods.append(
            TaskPod(
                name: name,
                uid: uid,
                place: place,
                isAssignable: address != nil && pod.metadata.deletionTimestamp == nil
            )
        )
        return true
    }
}
