// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import KubeClient
import KubeModels
import KubeRuntime
import Logging
import SandboxModels

import struct Foundation.Date

/// Keeps the sandboxes of SandboxSets ready.
///
/// A set and those who claim its sandboxes write into the same object, the sandbox, and only into the state of it that they have
/// looked at. So the set takes none away that somebody has claimed, and nobody claims one that it takes away.
struct SandboxSetReconciler: Sendable {
    let sets: Informer<KruiseSandboxSet>
    /// Has the index `owner`.
    let sandboxes: Informer<KruiseSandbox>
    /// Has the index `owner`.
    let templates: Informer<KruiseSandboxTemplate>
    let client: KubeClient
    let recorder: EventRecorder
    /// Creations and deletions that the caches do not show yet.
    let expectations: Expectations<ObjectKey>
    let told = SandboxSetTellings()
    /// Seconds from its creation for which a sandbox that has ended is left.
    var patience = KruiseSetScale.endedPatience
    var now: @Sendable () -> Date = { Date() }

    /// Brings one set nearer to what is wanted of it.
    ///
    /// - Throws: What the API server did not do; the set is looked at again later.
    func reconcile(_ key: ObjectKey) async throws -> Reconciliation {
        guard let set = sets.store[key], set.metadata.deletionTimestamp == nil else {
            expectations.forget(key)
            told.forget(key)
            return .done
        }
        let plan: SandboxSetPlan
        do {
            plan = try self.plan(of: set)
        } catch let problem as KruiseSetProblem {
            return try await report(nil, problem, of: set).reconciliation
        }
        let members = members(of: set, plan.revision)
        var wake = PoolWake()
        if expectations.areMet(for: key) {
            try await keep(plan, members, of: set)
            wake = try await scale(set, plan, members)
        }
        wake.add(try await report(plan, nil, of: set))
        return wake.reconciliation
    }

    /// What sandboxes are made from.
    ///
    /// - Throws: `KruiseSetProblem`.
    private func plan(of set: KruiseSandboxSet) throws -> SandboxSetPlan {
        let named = set.spec.templateRef.flatMap { templates.store[set.metadata.namespace, $0.name] }
        let blueprint = try set.blueprint(named)
        return SandboxSetPlan(blueprint: blueprint, revision: try blueprint.revision())
    }

    /// The sandboxes of a set, as it sees them.
    ///
    /// - Parameter revision: That of its template; nil if nobody knows, and then none is taken for old.
    func members(of set: KruiseSandboxSet, _ revision: String?) -> [KruiseSetMember] {
        let now = now()
        return owned(by: set).map { sandbox in
            KruiseSetMember(
                sandbox,
                revision: revision ?? sandbox.metadata.labels[Kruise.Label.templateHash] ?? "",
                at: now
            )
        }
    }

    /// All sandboxes that a set owns.
    func owned(by set: KruiseSandboxSet) -> [KruiseSandbox] { sandboxes.store.objects(.owner, set.metadata.uid ?? "") }

    /// The objects of a type in a set's namespace.
    func resource<Object: KubeResource>(_ type: Object.Type = Object.self, of set: KruiseSandboxSet) -> ResourceClient<
        Object
    > {
        client.resource(in: .named(set.metadata.namespace ?? "default"))
    }
}

/// What the sandboxes of a set are made from.
struct SandboxSetPlan: Sendable {
    let blueprint: KruiseSandboxTemplateSpec
    let revision: String

    /// The `SandboxTemplate` that it is to be found in.
    func name(of set: KruiseSandboxSet) -> String { set.spec.templateRef?.name ?? "\(set.metadata.name)-\(revision)" }
}

extension PoolWake {
    /// What a look comes to that is to be followed by another one then.
    var reconciliation: Reconciliation { delay.map { .requeue(after: $0) } ?? .done }
}
