// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import ClusterView
import KubeModels
public import SandboxModels

/// What a sandbox has printed, and what happened to it.
extension ClusterRuntime {
    /// The end of what a sandbox has printed, in whole lines; an empty log while nothing of it runs.
    ///
    /// - Parameter bytes: How much at most.
    /// - Throws: `SandboxError` with `notFound` or `runtimeUnavailable`.
    public func log(of id: String, atMost bytes: Int) async throws -> SandboxLog {
        let entry = try await entry(id)
        guard let pod = try await telling("find the pod", { try await self.pod(of: entry.object) }) else {
            return SandboxLog()
        }
        return try await diagnostics.log(of: pod, container: Execd.container, atMost: bytes, now: now())
    }

    /// What happened to a sandbox, to its pod and to its snapshots, oldest first, as long as the cluster remembers.
    ///
    /// - Throws: `SandboxError` with `notFound` or `runtimeUnavailable`.
    public func events(of id: String) async throws -> [SandboxEvent] {
        let entry = try await entry(id)
        let name = entry.object.metadata.name
        let names = [name] + podNames(of: entry.object) + [SandboxSnapshot.pauseName(of: name)]
        let found = try await diagnostics.events(about: names)
        return ([.created(at: entry.sandbox.createdAt)] + found).sorted { $0.at < $1.at }
    }

    /// The pod of a sandbox that runs, if there is one.
    func pod(of object: BatchSandbox) async throws -> Pod? {
        for name in podNames(of: object) {
            if let pod = try await diagnostics.pod(name) { return pod }
        }
        return nil
    }

    /// What its pods are called: its own, or those that a pool has given it.
    private func podNames(of object: BatchSandbox) -> [String] {
        let given = (try? object.allocation(OpenSandbox.Annotation.allocStatus).pods) ?? []
        let back = (try? object.allocation(OpenSandbox.Annotation.allocReleased).pods) ?? []
        let kept = given.filter { !back.contains($0) }
        return kept.isEmpty ? [object.podName(0)] : kept
    }
}
