// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import KubeClient
import KubeModels
import KubeRuntime
import SandboxModels

import struct Foundation.Date
import struct Foundation.UUID

/// Making sandboxes, and taking them away.
extension SandboxSetReconciler {
    /// How many sandboxes are made at first; twice as many after each time at which none failed.
    private static let firstBatch = 16
    /// How many are taken away at a time.
    private static let width = 16

    /// Makes and takes away what is too few and too many.
    func scale(_ set: KruiseSandboxSet, _ plan: SandboxSetPlan?, _ members: [KruiseSetMember]) async throws -> PoolWake
    {
        var wake = PoolWake()
        let decision = KruiseSetScale(set.spec, patience: patience).decide(members, now: now())
        if let end = decision.wakeAt { wake.add(.seconds(max(0, end.timeIntervalSince(now())))) }
        let found = Dictionary(owned(by: set).map { ($0.metadata.name, $0) }) { first, _ in first }
        let removals = await decision.remove.compactMap { found[$0] }
            .concurrentMap(width: Self.width) { sandbox in try await remove(sandbox, of: set) }
        let deletions = await decision.delete.compactMap { found[$0] }
            .concurrentMap(width: Self.width) { sandbox in try await delete(sandbox, of: set) }
        for case .failure(let error) in removals + deletions { throw error }
        guard let plan, decision.create > 0 else { return wake }
        let sandbox = try set.newSandbox(plan.blueprint, revision: plan.revision)
        let failure = await Array(repeating: sandbox, count: decision.create)
            .slowStart(Self.firstBatch) { sandbox in
                let made = try await expectations.creation(for: set.key) {
                    try await resource(of: set).create(sandbox)
                }
                recorder.record(
                    .normal,
                    about: set,
                    reason: "SuccessfulCreate",
                    "Created sandbox: \(made.metadata.name)"
                )
            }
        if let failure {
            recorder.record(.warning, about: set, reason: "FailedCreate", "Error creating: \(failure)")
            throw failure
        }
        return wake
    }

    /// Takes a sandbox away that somebody could claim: whoever writes into it first has it.
    private func remove(_ sandbox: KruiseSandbox, of set: KruiseSandboxSet) async throws {
        let mark: JSONValue = [
            "metadata": [
                "annotations": [
                    Kruise.Annotation.lock: .string(UUID().uuidString.lowercased()),
                    Kruise.Annotation.owner: .string(Kruise.scaleDownOwner),
                ]
            ]
        ]
        let change = MergePatch(mark).requiring(resourceVersion: sandbox.metadata.resourceVersion ?? "")
        do {
            let locked = try await expectations.creation(for: set.key) {
                try await resource(KruiseSandbox.self, of: set).patch(sandbox.metadata.name, .merge(change))
            }
            try await delete(locked, of: set)
        } catch let error as KubeError where error.isConflict || error.isNotFound {
            // Somebody has changed it; that is seen.
            return
        }
    }

    /// Deletes a sandbox: one that nobody can claim in any state, of another only the state that was looked at.
    private func delete(_ sandbox: KruiseSandbox, of set: KruiseSandboxSet) async throws {
        let isLocked = sandbox.metadata.annotations[Kruise.Annotation.owner] == Kruise.scaleDownOwner
        let options = DeleteOptions(
            uid: sandbox.metadata.uid,
            resourceVersion: isLocked ? nil : sandbox.metadata.resourceVersion
        )
        do {
            _ = try await expectations.deletion(of: sandbox, for: set.key) {
                try await resource(KruiseSandbox.self, of: set).delete(sandbox.metadata.name, options)
            }
            recorder.record(
                .normal,
                about: set,
                reason: "SuccessfulDelete",
                "Deleted sandbox: \(sandbox.metadata.name)"
            )
        } catch let error as KubeError where error.isConflict || error.isNotFound {
            return
        }
    }

    /// Keeps a set's own template as a `SandboxTemplate`, and gives up those that nobody needs.
    ///
    /// - Throws: What the API server did not do.
    func keep(_ plan: SandboxSetPlan, _ members: [KruiseSetMember], of set: KruiseSandboxSet) async throws {
        let kept = templates.store.objects(.owner, set.metadata.uid ?? "")
        if set.spec.templateRef == nil, templates.store[set.metadata.namespace, plan.name(of: set)] == nil {
            do {
                _ = try await expectations.creation(for: set.key) {
                    try await resource(of: set).create(set.materialised(plan.blueprint, revision: plan.revision))
                }
            } catch let error as KubeError where error.isAlreadyExists {
                // The cache does not show it yet.
            }
        }
        let used = owned(by: set).compactMap { $0.metadata.labels[Kruise.Label.templateHash] }
        for template in KruiseSetHistory.surplus(kept, revisions: Set(used + [plan.revision])) {
            do {
                _ = try await expectations.deletion(of: template, for: set.key) {
                    try await resource(KruiseSandboxTemplate.self, of: set)
                        .delete(template.metadata.name, DeleteOptions(uid: template.metadata.uid))
                }
            } catch let error as KubeError where error.isConflict || error.isNotFound {
                continue
            }
        }
    }
}
