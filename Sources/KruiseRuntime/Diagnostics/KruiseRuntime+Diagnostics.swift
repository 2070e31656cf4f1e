// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import ClusterView
import KubeModels
public import SandboxModels

/// What a sandbox has printed, and what happened to it.
extension KruiseRuntime {
    /// The end of what a sandbox has printed, in whole lines; an empty log while nothing of it runs.
    ///
    /// - Parameter bytes: How much at most.
    /// - Throws: `SandboxError` with `notFound` or `runtimeUnavailable`.
    public func log(of id: String, atMost bytes: Int) async throws -> SandboxLog {
        let name = try await entry(id).object.metadata.name
        guard let pod = try await telling("find the pod", { try await diagnostics.pod(name) }) else {
            return SandboxLog()
        }
        return try await diagnostics.log(of: pod, container: "", atMost: bytes, now: now())
    }

    /// What happened to a sandbox, to its pod and to its snapshots, oldest first, as long as the cluster remembers.
    ///
    /// - Throws: `SandboxError` with `notFound` or `runtimeUnavailable`.
    public func events(of id: String) async throws -> [SandboxEvent] {
        let entry = try await entry(id)
        let name = entry.object.metadata.name
        // The pod has the name of the sandbox.
        let found = try await diagnostics.events(about: [name, SandboxSnapshot.pauseName(of: name)])
        return ([.created(at: entry.sandbox.createdAt)] + found).sorted { $0.at < $1.at }
    }
}
