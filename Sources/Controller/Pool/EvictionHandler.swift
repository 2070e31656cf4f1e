// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

public import KubeClient
public import KubeModels
import SandboxModels

/// Decides which pods of a pool are to go, and lets them go. A pool chooses one by the name in its label
/// `pool.opensandbox.io/eviction-handler`; one that chooses none, or one that is not there, gets `LabelEviction`.
///
/// It is asked about pods that sandboxes have, too: these are given to nobody afterwards, but stay until their sandbox gives
/// them back.
public protocol EvictionHandler: Sendable {
    /// Whether a pod is to go. Called at each look at the pool: it must not block.
    func needsEviction(_ pod: Pod) -> Bool

    /// Lets a pod go that no sandbox has. Called again as long as the pod is there.
    ///
    /// - Throws: What went wrong; it is tried again later, and keeps nothing else from being done.
    func evict(_ pod: Pod, client: KubeClient) async throws
}

/// Deletes pods with the label `pool.opensandbox.io/evict`, whatever its value.
public struct LabelEviction: EvictionHandler {
    /// Creates it.
    public init() {}

    /// Whether the label is there.
    public func needsEviction(_ pod: Pod) -> Bool { pod.metadata.labels[OpenSandbox.Label.evict] != nil }

    /// Deletes the pod, as its own grace period says.
    public func evict(_ pod: Pod, client: KubeClient) async throws {
        do {
            _ = try await client.resource(Pod.self, in: .named(pod.metadata.namespace ?? "default"))
                .delete(pod.metadata.name, DeleteOptions(uid: pod.metadata.uid))
        } catch let error as KubeError where error.isNotFound || error.isConflict {
            return
        }
    }
}
