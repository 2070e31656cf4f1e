// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import KubeClient
import KubeModels
import KubeRuntime
import SandboxModels

/// Taking pods back.
extension PoolReconciler {
    /// Recycles what sandboxes give back, and writes down what is done; deletes what is left of sandboxes that are gone.
    func takeBack(_ view: inout PoolView, _ pool: Pool, _ entry: inout PoolMemory.Entry) async throws -> PoolWake {
        var wake = PoolWake()
        let leaving = view.members.flatMap { member in
            member.leaving.map {
                Leaving(pod: $0, sandbox: member.name, uid: member.uid, mayBeFrozen: member.mayBeFrozen)
            }
        }
        let found = view.found
        let orphans = view.orphans
        let recycled = await leaving.concurrentMap(width: settings.recycleConcurrency) { leaving in
            (leaving, try await recycle(found[leaving.pod], of: leaving, in: pool))
        }
        var done: [String: Set<String>] = [:]
        var failure: (any Error)?
        for outcome in recycled {
            switch outcome {
            case .failure(let error): failure = failure ?? error
            case .success((let leaving, .gone)):
                entry.deleted.insert(leaving.pod)
                done[leaving.uid, default: []].insert(leaving.pod)
            case .success((let leaving, .kept)): done[leaving.uid, default: []].insert(leaving.pod)
            case .success((_, .waiting(let delay))): delay.map { wake.add($0) }
            case .success((_, .notOurs)): break
            }
        }
        for (index, member) in view.members.enumerated() {
            view.members[index].released.formUnion(done[member.uid] ?? [])
        }
        if try await writeReleased(view, &entry) { wake.add(Self.pauseAfterConflict) }
        for orphan in orphans {
            guard let pod = found[orphan] else { continue }
            try await delete(pod, for: pool)
            entry.deleted.insert(orphan)
        }
        if let failure { throw failure }
        return wake
    }

    private struct Leaving: Sendable {
        let pod: String
        let sandbox: String
        let uid: String
        let mayBeFrozen: Bool
    }

    private enum Recycled: Sendable {
        case gone
        case kept
        case waiting(Duration?)
        /// It is another pool's, which takes it back.
        case notOurs
    }

    private func recycle(_ pod: Pod?, of leaving: Leaving, in pool: Pool) async throws -> Recycled {
        var found = pod
        if found == nil { found = try await unseenPod(leaving.pod, of: pool) }
        guard let pod = found else { return .gone }
        guard pod.metadata.ownerReferences.contains(where: { $0.uid == pool.metadata.uid }) else { return .notOurs }
        guard pod.metadata.deletionTimestamp == nil else { return .gone }
        let isUsable = !["Succeeded", "Failed"].contains(pod.status?.phase) && !leaving.mayBeFrozen
        switch pool.spec.recycleStrategy?.type {
        case .noop? where isUsable: return .kept
        case .restart? where isUsable:
            let release = PodRelease(sandbox: leaving.sandbox, uid: leaving.uid)
            switch try await restarts.step(pod, of: release, in: pool) {
            case .done: return .kept
            case .waiting(let delay): return .waiting(delay)
            case .delete(let reason):
                recorder.record(
                    .warning,
                    about: pool,
                    reason: "PodNotRecycled",
                    "The pod \(pod.metadata.name) is deleted: \(reason)"
                )
            }
        default: break
        }
        try await delete(pod, for: pool)
        return .gone
    }

    /// A pod that is not known as the pool's: another pool's, one that the cache does not show yet, or none.
    private func unseenPod(_ name: String, of pool: Pool) async throws -> Pod? {
        if let pod = pods.store[pool.metadata.namespace, name] { return pod }
        return try await client.resource(Pod.self, in: .named(pool.metadata.namespace ?? "default")).find(name)
    }

    /// Deletes a pod, and no other one that comes to have its name.
    func delete(_ pod: Pod, for pool: Pool) async throws {
        do {
            _ = try await expectations.deletion(of: pod, for: pool.key) {
                try await client.resource(Pod.self, in: .named(pod.metadata.namespace ?? "default"))
                    .delete(pod.metadata.name, DeleteOptions(uid: pod.metadata.uid))
            }
        } catch let error as KubeError where error.isNotFound || error.isConflict {
            return
        }
    }

    /// What has become of the write that says which pods were taken back.
    private enum Told: Sendable {
        /// The sandbox as it is now.
        case answered(BatchSandbox)
        /// It is gone, or about to be, because it has nothing more.
        case left
        /// There was nothing to write.
        case unchanged
        /// It has changed meanwhile.
        case outdated
    }

    /// Writes down which pods were taken back.
    ///
    /// - Returns: Whether some have changed meanwhile, and have to be looked at again.
    private func writeReleased(_ view: PoolView, _ entry: inout PoolMemory.Entry) async throws -> Bool {
        let pairs = zip(view.members, view.sandboxes).filter { member, sandbox in
            !member.released.isEmpty || member.isLeaving
        }
        let outcomes = await pairs.concurrentMap(width: settings.allocationConcurrency) { member, sandbox in
            (member.uid, sandbox.key, try await writeReleased(member, sandbox))
        }
        var isOutdated = false
        var failure: (any Error)?
        for outcome in outcomes {
            switch outcome {
            case .success((_, let key, .answered(let sandbox))): entry.answered[key] = sandbox
            case .success((let uid, let key, .left)):
                entry.answered[key] = nil
                entry.left.insert(uid)
                _ = shortages.set(key, missing: nil)
            case .success((_, _, .unchanged)): break
            case .success((_, _, .outdated)): isOutdated = true
            case .failure(let error): failure = failure ?? error
            }
        }
        if let failure { throw failure }
        return isOutdated
    }

    /// Writes down which pods of one sandbox were taken back; with the last one, a sandbox that leaves may go.
    private func writeReleased(_ member: PooledSandbox, _ sandbox: BatchSandbox) async throws -> Told {
        let finalizer = OpenSandbox.Finalizer.poolAllocation
        let hasLeft = member.isLeaving && member.held.isEmpty
        let finalizers = hasLeft ? sandbox.metadata.finalizers.filter { $0 != finalizer } : sandbox.metadata.finalizers
        let before = try sandbox.allocation(OpenSandbox.Annotation.allocReleased).pods
        guard Set(before) != member.released || finalizers != sandbox.metadata.finalizers else { return .unchanged }
        let text = PodAllocation(pods: member.released.sorted()).jsonText
        var metadata: [String: JSONValue] = ["annotations": [OpenSandbox.Annotation.allocReleased: .string(text)]]
        if finalizers != sandbox.metadata.finalizers {
            metadata["finalizers"] = .array(finalizers.map { .string($0) })
        }
        let goes = hasLeft && sandbox.metadata.deletionTimestamp != nil
        do {
            let written: BatchSandbox
            do {
                written = try await write(metadata, to: sandbox)
            } catch let error as KubeError where error.kind == .invalid && goes {
                // The annotations of an object have a limit. Of one that goes nobody reads which pods it has given back.
                metadata["annotations"] = nil
                written = try await write(metadata, to: sandbox)
            }
            return goes ? .left : .answered(written)
        } catch let error as KubeError where error.isNotFound {
            return .left
        } catch let error as KubeError where error.isConflict {
            return .outdated
        }
    }

    private func write(_ metadata: [String: JSONValue], to sandbox: BatchSandbox) async throws -> BatchSandbox {
        let change = MergePatch(["metadata": .object(metadata)])
            .requiring(resourceVersion: sandbox.metadata.resourceVersion ?? "")
        return try await resource(of: sandbox).patch(sandbox.metadata.name, .merge(change))
    }

    /// A pool is gone, or is being deleted: its pods go with it. Sandboxes that leave are let go.
    func leave(_ key: ObjectKey) async throws -> Reconciliation {
        memory.forget(key)
        expectations.forget(key)
        let index = StoreIndex<BatchSandbox>.key(key.namespace, key.name)
        for sandbox in sandboxes.store.objects(.pool, index) {
            var member = try PooledSandbox(sandbox, pool: key.name)
            if member.isLeaving {
                member.released.formUnion(member.held)
                _ = try await writeReleased(member, sandbox)
                continue
            }
            let missing = member.replicas - member.allocated.count
            let reason = "PoolNotFound"
            guard missing > 0, shortages.set(sandbox.key, missing: missing, reason: reason) else { continue }
            look(sandbox.key)
            recorder.record(
                .warning,
                about: sandbox,
                reason: reason,
                "There is no Pool \(key.name). Create it, or name another one."
            )
        }
        return .done
    }
}
