// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import KubeClient
import KubeModels
import KubeRuntime
import SandboxModels

import struct Foundation.Date

/// Creating and deleting pods.
extension PoolReconciler {
    /// How many pods are created or deleted at a time.
    private static let width = 16

    /// Who decides about evictions from a pool.
    func evictionHandler(of pool: Pool) -> any EvictionHandler {
        pool.metadata.labels[OpenSandbox.Label.evictionHandler].flatMap { evictionHandlers[$0] } ?? LabelEviction()
    }

    /// Lets pods go that are to go and that no sandbox has.
    ///
    /// - Throws: What a handler did not do.
    func evict(_ view: PoolView, taken: Set<String>, _ pool: Pool) async throws {
        let handler = evictionHandler(of: pool)
        for pod in view.pods where pod.isEvicted && !pod.isTerminating && !taken.contains(pod.name) {
            guard let found = view.found[pod.name] else { continue }
            do {
                try await handler.evict(found, client: client)
                recorder.record(.normal, about: pool, reason: "PodEvicted", "Evicted pod: \(pod.name)")
            } catch {
                recorder.record(.warning, about: pool, reason: "EvictionFailed", "Pod \(pod.name) stays: \(error)")
                throw error
            }
        }
    }

    /// Creates and deletes pods, unless the cache does not show yet what was created and deleted before: so nothing is made twice
    /// because it is not seen.
    func scale(
        _ view: PoolView,
        taken: Set<String>,
        missing: Int,
        _ scale: PoolScale,
        _ pool: Pool,
        _ entry: inout PoolMemory.Entry
    ) async throws -> PoolWake {
        var wake = PoolWake()
        guard expectations.areMet(for: pool.key) else { return wake }
        let pods = view.pods.map { pod in
            var pod = pod
            if entry.deleted.contains(pod.name) { pod.isTerminating = true }
            return pod
        }
        let decision = scale.decide(pods, taken: taken, missing: missing, now: now())
        if let end = decision.wakeAt { wake.add(.seconds(max(0, end.timeIntervalSince(now())))) }
        entry.deleted.formUnion(decision.delete)
        let deletions = await decision.delete.compactMap { view.found[$0] }
            .concurrentMap(width: Self.width) { pod in try await delete(pod, for: pool) }
        for case .failure(let error) in deletions { throw error }
        guard decision.create > 0 else { return wake }
        let pod: Pod
        do {
            pod = try pool.newPod(revision: pool.presentRevision())
        } catch {
            recorder.record(.warning, about: pool, reason: "FailedCreate", "The pod cannot be made: \(error)")
            // Nothing but another template mends it.
            return wake
        }
        let creations = await (0..<decision.create).concurrentMap(width: Self.width) { _ in
            try await expectations.creation(for: pool.key) {
                try await client.resource(Pod.self, in: .named(pool.metadata.namespace ?? "default")).create(pod)
            }
        }
        for case .success(let pod) in creations {
            recorder.record(.normal, about: pool, reason: "SuccessfulCreate", "Created pod: \(pod.metadata.name)")
        }
        for case .failure(let error) in creations {
            recorder.record(.warning, about: pool, reason: "FailedCreate", "Error creating: \(error)")
            throw error
        }
        return wake
    }
}
