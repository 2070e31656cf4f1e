// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import KubeClient
import KubeModels
import KubeRuntime
import SandboxModels

/// Taking a pool over, and reserving its pods.
extension PoolReconciler {
    /// Sees to it that this controller holds the pool. Whoever takes one over reads all sandboxes after that: nobody else can have
    /// reserved anything since, and what was written before is seen.
    ///
    /// - Returns: Whether it does.
    func hold(_ pool: inout Pool, _ entry: inout PoolMemory.Entry) async throws -> Bool {
        var ledger = try pool.ledger()
        if entry.isHeld, ledger.holder == holder { return true }
        entry = PoolMemory.Entry()
        ledger.holder = holder
        guard let written = try await write(ledger, to: pool) else { return false }
        pool = written
        let namespace = NamespaceScope.named(pool.metadata.namespace ?? "default")
        for sandbox in try await client.resource(BatchSandbox.self, in: namespace).list().items {
            guard let cached = sandboxes.store[sandbox.key] else {
                entry.answered[sandbox.key] = sandbox
                continue
            }
            if sandbox.isNewer(than: cached) { entry.answered[sandbox.key] = sandbox }
        }
        // A pod that is being deleted must not be given away because the cache does not know that yet.
        let owned = pods.store.objects(.owner, pool.metadata.uid ?? "")
        if !owned.isEmpty {
            let live = try await client.resource(Pod.self, in: namespace).list(
                ListOptions(labels: LabelQuery(matching: [OpenSandbox.Label.poolName: pool.metadata.name]))
            )
            let there = Set(live.items.filter { $0.metadata.deletionTimestamp == nil }.map(\.metadata.name))
            entry.deleted = Set(owned.map(\.metadata.name).filter { !there.contains($0) })
        }
        entry.isHeld = true
        return true
    }

    /// Writes down what is promised, then tells the sandboxes.
    ///
    /// - Returns: Whether this controller still holds the pool.
    func grant(
        _ decision: PoolAllocator.Decision,
        _ view: PoolView,
        _ pool: inout Pool,
        _ entry: inout PoolMemory.Entry
    ) async throws -> Bool {
        if decision.reserves {
            guard let written = try await write(decision.ledger, to: pool) else {
                // Somebody has changed the Pool: its owner, or a controller that has taken it over.
                entry.pool = try await poolResource(pool).find(pool.metadata.name)
                return false
            }
            pool = written
            entry.pool = written
        }
        let known = Dictionary(view.sandboxes.map { ($0.metadata.uid ?? "", $0) }) { first, _ in first }
        let pods = view.found
        let grants = decision.grants.compactMap { grant in known[grant.uid].map { (grant, $0) } }
        let outcome = await grants.concurrentMap(width: settings.allocationConcurrency) { grant, sandbox in
            try await write(grant, to: sandbox, pods)
        }
        for case .success(let sandbox?) in outcome { entry.answered[sandbox.key] = sandbox }
        for case .failure(let error) in outcome { throw error }
        return true
    }

    /// - Returns: The Pool as it is now; nil if it has changed since, or is gone.
    private func write(_ ledger: PoolLedger, to pool: Pool) async throws -> Pool? {
        let change = MergePatch(["metadata": ["annotations": [Pool.ledgerAnnotation: .string(ledger.text)]]])
            .requiring(resourceVersion: pool.metadata.resourceVersion ?? "")
        do {
            return try await poolResource(pool).patch(pool.metadata.name, .merge(change))
        } catch let error as KubeError where error.isConflict || error.isNotFound {
            return nil
        }
    }

    /// Tells a sandbox which pods it has.
    ///
    /// A controller that does not know that it holds the pool no more does no harm: a promise is kept to a sandbox or dies with it,
    /// so as long as the sandbox does not have the pods nobody else gets them.
    ///
    /// - Returns: The sandbox as it is now; nil if it is gone.
    private func write(
        _ grant: PoolLedger.Reservation,
        to sandbox: BatchSandbox,
        _ pods: [String: Pod]
    ) async throws -> BatchSandbox? {
        var sandbox = sandbox
        while true {
            let allocated = try sandbox.allocation(OpenSandbox.Annotation.allocStatus).pods
            let new = grant.pods.filter { !allocated.contains($0) }
            if new.isEmpty { return sandbox }
            let change = change(of: sandbox, to: allocated + new, pods)
                .requiring(resourceVersion: sandbox.metadata.resourceVersion ?? "")
            do {
                return try await resource(of: sandbox).patch(sandbox.metadata.name, .merge(change))
            } catch let error as KubeError where error.isNotFound {
                return nil
            } catch let error as KubeError where error.isConflict {
                guard let found = try await resource(of: sandbox).find(sandbox.metadata.name),
                    found.metadata.uid == grant.uid
                else { return nil }
                sandbox = found
            } catch  where AnnotationRoom.isExceeded(by: change, of: sandbox) {
                // The pods stay promised to it; all others get theirs.
                let notice = SandboxNotice(noRoomIn: sandbox)
                recorder.record(.warning, about: sandbox, reason: notice.reason, notice.message)
                return nil
            }
        }
    }

    /// What says that a sandbox has pods, and whatever else follows from that: in one write, because there may be very many at once.
    private func change(of sandbox: BatchSandbox, to names: [String], _ pods: [String: Pod]) -> MergePatch {
        var annotations: [String: JSONValue] = [:]
        let found = names.compactMap { pods[$0] }
        if found.count == names.count {
            annotations = BatchSandboxState.annotationsAtAllocation(of: sandbox, pods: found, now: now())
        }
        annotations[OpenSandbox.Annotation.allocStatus] = .string(PodAllocation(pods: names).jsonText)
        var metadata: [String: JSONValue] = [:]
        let finalizer = OpenSandbox.Finalizer.poolAllocation
        // The API server takes no new one once an object is being deleted.
        if sandbox.metadata.deletionTimestamp == nil, !sandbox.metadata.finalizers.contains(finalizer) {
            metadata["finalizers"] = .array((sandbox.metadata.finalizers + [finalizer]).map { .string($0) })
        }
        metadata["annotations"] = .object(annotations)
        return MergePatch(["metadata": .object(metadata)])
    }

    private func poolResource(_ pool: Pool) -> ResourceClient<Pool> {
        client.resource(in: .named(pool.metadata.namespace ?? "default"))
    }
}
