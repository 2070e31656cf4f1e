// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import KubeClient
import KubeModels
import KubeRuntime
import SandboxModels

import struct Foundation.Date

/// Where the sandboxes of a claim come from.
enum ClaimSource: Sendable {
    /// A set, and what sandboxes are made from when it has none; nil if there is nothing.
    case set(KruiseSandboxSet, SandboxSetPlan?)
    /// A checkpoint, and what its clones are made from.
    case checkpoint(KruiseCheckpoint, KruiseSandboxTemplateSpec)
    /// What is not usable yet, and why.
    case waiting(String)
    /// It never will be usable, and why.
    case unusable(String)
    /// There is neither a set nor a checkpoint.
    case missing

    /// Whether sandboxes can be made from it.
    var canMake: Bool {
        switch self {
        case .set(_, _?), .checkpoint: true
        case .set(_, nil), .waiting, .unusable, .missing: false
        }
    }
}

/// Looking at a claim.
extension SandboxClaimReconciler {
    /// Where sandboxes come from: a set of the name, else a checkpoint.
    ///
    /// That there is neither is final, so the API server itself is asked then: who creates a set and a claim at once is not to learn
    /// that the set was seen later.
    ///
    /// - Throws: What the API server did not do.
    func source(of claim: KruiseSandboxClaim) async throws -> ClaimSource {
        let name = claim.spec.templateName
        if let set = set(claim) { return .set(set, plan(of: set)) }
        if let checkpoint = checkpoints.store[claim.metadata.namespace, name] {
            return try await source(checkpoint, claim)
        }
        waiting.note(claim.key, set: ObjectKey(namespace: claim.metadata.namespace, name: name))
        if let set = set(claim) { return .set(set, plan(of: set)) }
        if let found = try await resource(KruiseSandboxSet.self, of: claim).find(name),
            found.metadata.deletionTimestamp == nil
        {
            return .set(found, plan(of: found))
        }
        guard let found = try await resource(KruiseCheckpoint.self, of: claim).find(name) else { return .missing }
        return try await source(found, claim)
    }

    private func set(_ claim: KruiseSandboxClaim) -> KruiseSandboxSet? {
        guard let set = sets.store[claim.metadata.namespace, claim.spec.templateName],
            set.metadata.deletionTimestamp == nil
        else { return nil }
        // To be noted before its sandboxes are looked at, so that none is missed that comes in between.
        waiting.note(claim.key, set: set.key)
        return set
    }

    private func plan(of set: KruiseSandboxSet) -> SandboxSetPlan? {
        let named = set.spec.templateRef.flatMap { templates.store[set.metadata.namespace, $0.name] }
        guard let blueprint = try? set.blueprint(named), let revision = try? blueprint.revision() else { return nil }
        return SandboxSetPlan(blueprint: blueprint, revision: revision)
    }

    private func source(_ checkpoint: KruiseCheckpoint, _ claim: KruiseSandboxClaim) async throws -> ClaimSource {
        let name = checkpoint.metadata.name
        if checkpoint.metadata.deletionTimestamp != nil { return .unusable("the checkpoint \(name) is being deleted") }
        switch checkpoint.status?.phase {
        case KruiseCheckpointPhase.failed?:
            let why = checkpoint.status?.message.map { ": \($0)" } ?? ""
            return .unusable("the checkpoint \(name) has failed\(why)")
        case KruiseCheckpointPhase.terminating?:
            return .unusable("the checkpoint \(name) is being deleted")
        case KruiseCheckpointPhase.succeeded?: break
        default: return .waiting("the checkpoint \(name) is not done yet")
        }
        let cached = templates.store[claim.metadata.namespace, name]
        guard let template = try await cached.asyncOr({ try await resource(of: claim).find(name) }) else {
            return .waiting("the checkpoint \(name) has no SandboxTemplate of its name yet")
        }
        return .checkpoint(checkpoint, template.spec)
    }

    /// The sandboxes that a claim may take of its set besides those that it aims at, those of the present template first.
    func candidates(
        of claim: KruiseSandboxClaim,
        _ record: KruiseClaimRecord,
        _ source: ClaimSource
    ) -> [KruiseSandbox] {
        guard case .set(let set, let plan) = source else { return [] }
        let now = now()
        let aims = Set(record.places.map(\.name))
        // Others who take some, such as the servers, are not to begin with the same one.
        let free = sandboxes.store.objects(.owner, set.metadata.uid ?? "").filter {
            $0.isFree(at: now) && !aims.contains($0.metadata.name)
        }
        .shuffled()
        let revision = plan?.revision
        return reservations.free(
            free.filter { $0.metadata.labels[Kruise.Label.templateHash] == revision }
                + free.filter { $0.metadata.labels[Kruise.Label.templateHash] != revision },
            for: claim.metadata.uid ?? ""
        )
    }

    /// What there is to be seen.
    ///
    /// - Throws: What the API server did not do.
    func view(
        of claim: KruiseSandboxClaim,
        _ record: KruiseClaimRecord,
        _ source: ClaimSource,
        free: Int,
        _ sightings: inout ClaimSightings
    ) async throws -> KruiseClaimView {
        let uid = claim.metadata.uid ?? ""
        let now = now()
        var view = KruiseClaimView(source: .missing)
        switch source {
        case .set: view.source = .set(free: free)
        case .checkpoint: view.source = .checkpoint
        case .waiting(let why): view.source = .waiting(why)
        case .unusable(let why): view.source = .unusable(why)
        case .missing: view.source = .missing
        }
        for place in record.places {
            let cached = sandboxes.store[claim.metadata.namespace, place.name]
            if place.uid != nil, cached == nil, !sightings.isKnown(place.name) {
                // Another cache, of whoever has written it down, may have been ahead of this one.
                sightings.note(try await resource(of: claim).find(place.name), name: place.name)
            }
            let found = sightings.newest(place.name, cached)
            view.sights[place.name] = found?.sight(for: uid, uid: place.uid, lock: place.lock, at: now) ?? .absent
        }
        let owned = sandboxes.store.objects(.claimOwner, uid).filter {
            $0.metadata.namespace == claim.metadata.namespace
        }
        let known = sightings.answered.merging(owned.map { ($0.metadata.name, $0) }) { $0.isNewer(than: $1) ? $0 : $1 }
        for sandbox in known.values.sorted(by: { $0.metadata.name < $1.metadata.name })
        where view.sights[sandbox.metadata.name] == nil && !sightings.gone.contains(sandbox.metadata.name) {
            guard sandbox.isClaimed(by: uid), sandbox.isActive else { continue }
            if sandbox.state(at: now).state == .creating {
                view.strays.append(sandbox.metadata.name)
                view.sights[sandbox.metadata.name] = sandbox.sight(for: uid, uid: nil, at: now)
            } else {
                view.others += 1
            }
        }
        view.told = claim.status?.claimedReplicas ?? 0
        view.started = claim.status?.claimStartTime?.date
        return view
    }

    /// How many sandboxes are a claim's.
    func owned(by claim: KruiseSandboxClaim) -> Int {
        let uid = claim.metadata.uid ?? ""
        return sandboxes.store.objects(.claimOwner, uid).count { $0.isClaimed(by: uid) && $0.isActive }
    }
}

/// What the API server has answered in the course of one look, which the caches may not show yet.
struct ClaimSightings: Sendable {
    /// Sandboxes as they were answered, by name.
    private(set) var answered: [String: KruiseSandbox] = [:]
    /// Names of sandboxes that are not there.
    private(set) var gone: Set<String> = []
    /// Sandboxes whose pods have their labels.
    var labelled: Set<String> = []

    /// Takes note of an answer; nil if there is none of the name.
    mutating func note(_ sandbox: KruiseSandbox?, name: String) {
        answered[name] = sandbox
        if sandbox == nil { gone.insert(name) } else { gone.remove(name) }
    }

    /// Whether anything was answered about a sandbox.
    func isKnown(_ name: String) -> Bool { answered[name] != nil || gone.contains(name) }

    /// The newest that is known of a sandbox.
    func newest(_ name: String, _ cached: KruiseSandbox?) -> KruiseSandbox? {
        guard !gone.contains(name) else { return nil }
        guard let answered = answered[name] else { return cached }
        guard let cached, cached.isNewer(than: answered) else { return answered }
        return cached
    }
}

extension Optional where Wrapped: Sendable {
    /// The value, or another one that has to be waited for.
    fileprivate func asyncOr(_ other: () async throws -> Wrapped?) async rethrows -> Wrapped? {
        if let self { return self }
        return try await other()
    }
}
