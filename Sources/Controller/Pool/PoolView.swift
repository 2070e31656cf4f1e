// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import KubeClient
import KubeModels
import KubeRuntime
import SandboxModels

/// What is to be seen of a pool: its pods, and the sandboxes that have some or want some.
struct PoolView: Sendable {
    /// The pods as they are.
    var found: [String: Pod] = [:]
    /// The pods as the pool sees them.
    var pods: [PoolPod] = []
    /// The sandboxes.
    var sandboxes: [BatchSandbox] = []
    /// The same as the pool sees them, in the same order.
    var members: [PooledSandbox] = []
    /// Pods that somebody had who is gone without having given them back.
    var orphans: Set<String> = []

    /// Who has which pod, or is promised it.
    func holders(_ ledger: PoolLedger) -> [String: String] {
        var holders: [String: String] = [:]
        for member in members {
            for pod in member.held { holders[pod] = member.uid }
        }
        // Nobody has had those that are only promised.
        for pod in ledger.reservations.flatMap(\.pods) where holders[pod] == nil { holders[pod] = "" }
        return holders
    }
}

extension PoolReconciler {
    /// Looks at a pool.
    ///
    /// - Throws: `JSONError` for an annotation that cannot be read; what the API server did not do.
    func view(of pool: Pool, _ entry: inout PoolMemory.Entry) async throws -> PoolView {
        var view = PoolView()
        let handler = evictionHandler(of: pool)
        let owned = pods.store.objects(.owner, pool.metadata.uid ?? "")
        entry.deleted.formIntersection(owned.lazy.filter { $0.metadata.deletionTimestamp == nil }.map(\.metadata.name))
        for pod in owned {
            var seen = PoolPod(pod, isEvicted: handler.needsEviction(pod))
            if entry.deleted.contains(pod.metadata.name) { seen.isTerminating = true }
            view.found[pod.metadata.name] = pod
            view.pods.append(seen)
        }
        view.sandboxes = try await concerned(pool, owned, &entry)
        view.members = try view.sandboxes.map { sandbox throws(JSONError) in
            var member = try PooledSandbox(sandbox, pool: pool.metadata.name)
            // Its owner is told elsewhere.
            if !member.isLeaving, sandbox.isTooLarge { member.replicas = member.allocated.count }
            return member
        }
        view.orphans = orphans(in: view, entry)
        return view
    }

    /// All sandboxes that want pods of the pool or have some, whatever pool they name by now.
    private func concerned(
        _ pool: Pool,
        _ owned: [Pod],
        _ entry: inout PoolMemory.Entry
    ) async throws -> [BatchSandbox] {
        let namespace = pool.metadata.namespace
        let names = Set(owned.map(\.metadata.name))
        var found: [ObjectKey: BatchSandbox] = [:]
        for sandbox in sandboxes.store.objects(.pool, StoreIndex<BatchSandbox>.key(namespace, pool.metadata.name)) {
            found[sandbox.key] = sandbox
        }
        for pod in owned {
            let key = StoreIndex<BatchSandbox>.key(namespace, pod.metadata.name)
            for sandbox in sandboxes.store.objects(.heldPod, key) { found[sandbox.key] = sandbox }
        }
        for (key, answered) in entry.answered {
            if let cached = sandboxes.store[key], !answered.isNewer(than: cached) {
                entry.answered[key] = nil
            } else if sandboxes.store[key] == nil, try await isGone(answered) {
                entry.answered[key] = nil
            } else if answered.spec.poolRef == pool.metadata.name || answered.hasPods(among: names) {
                found[key] = answered
            }
        }
        entry.left.formIntersection(found.values.compactMap(\.metadata.uid))
        return found.values.filter { !entry.left.contains($0.metadata.uid ?? "") }.sorted { $0.key < $1.key }
    }

    /// Whether a sandbox that the cache does not have is gone, or only not seen yet.
    private func isGone(_ sandbox: BatchSandbox) async throws -> Bool {
        let found = try await resource(of: sandbox).find(sandbox.metadata.name)
        return found?.metadata.uid != sandbox.metadata.uid
    }

    /// Pods whose holder is gone although it has not given them back: somebody has taken its finalizer away.
    private func orphans(in view: PoolView, _ entry: PoolMemory.Entry) -> Set<String> {
        let known = Set(view.members.map(\.uid))
        return Set(
            view.pods.filter { pod in
                guard let holder = entry.holders[pod.name], !holder.isEmpty else { return false }
                return !known.contains(holder) && !entry.left.contains(holder)
            }
            .map(\.name)
        )
    }

    /// The sandboxes of one's namespace.
    func resource(of sandbox: BatchSandbox) -> ResourceClient<BatchSandbox> {
        client.resource(in: .named(sandbox.metadata.namespace ?? "default"))
    }
}

extension BatchSandbox {
    /// Whether it has one of these pods, as far as that can be read.
    fileprivate func hasPods(among names: Set<String>) -> Bool {
        (try? PooledSandbox(self, pool: "").held.contains(where: names.contains)) ?? false
    }
}
