// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import KubeClient
import KubeModels
import KubeRuntime
import SandboxModels

import struct Foundation.Date

/// Telling what there is of a pool.
extension PoolReconciler {
    /// Seconds between two tellings: while many sandboxes come, each of them changes the counts.
    private static let interval: Double = 0.25

    /// Writes the status, if it has changed and was not written just now.
    func report(
        _ view: PoolView,
        taken: Set<String>,
        revision: String,
        _ pool: inout Pool,
        _ entry: inout PoolMemory.Entry
    ) async throws -> PoolWake {
        var wake = PoolWake()
        let there = view.pods.filter { !$0.isTerminating && !entry.deleted.contains($0.name) }
        let held = taken.subtracting(view.members.flatMap(\.released))
        var status = pool.status ?? PoolStatus()
        status.observedGeneration = pool.metadata.generation
        status.revision = revision
        status.total = there.count
        status.allocated = there.count { held.contains($0.name) }
        status.available = there.count { $0.state == .ready && !$0.isEvicted && !held.contains($0.name) }
        status.updated = there.count { $0.revision == revision }
        guard status != pool.status else { return wake }
        let passed = entry.told.map { now().timeIntervalSince($0) } ?? Self.interval
        if passed >= 0, passed < Self.interval {
            wake.add(.seconds(Self.interval - passed))
            return wake
        }
        var told = pool
        told.status = status
        let change = try MergePatch(from: pool, to: told)
        do {
            pool = try await client.resource(Pool.self, in: .named(pool.metadata.namespace ?? "default"))
                .patch(pool.metadata.name, .merge(change), subresource: .status)
            entry.told = now()
        } catch let error as KubeError where error.isNotFound {
            return wake
        }
        return wake
    }
}
