// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import KubeClient
import KubeModels
import KubeRuntime
import Logging
import SandboxModels

import struct Foundation.Date

/// Carries SandboxClaims out: takes sandboxes of a set, or has them made from a set's template or from a checkpoint.
///
/// A sandbox is taken by one write into it, which counts only if it is still as it was when it was looked at. Before that the claim
/// says, in an annotation of its own and by the same rule, which ones it is about to take (`KruiseClaimRecord`). So no sandbox is
/// had twice and no claim gets more than it wants, whichever controller ends where, and however many believe to be the only one.
struct SandboxClaimReconciler: Sendable {
    let claims: Informer<KruiseSandboxClaim>
    let sets: Informer<KruiseSandboxSet>
    let checkpoints: Informer<KruiseCheckpoint>
    let templates: Informer<KruiseSandboxTemplate>
    /// Has the indexes `owner` and `claimOwner`.
    let sandboxes: Informer<KruiseSandbox>
    let client: KubeClient
    let recorder: EventRecorder
    /// Which sandboxes the claims of this process aim at.
    let reservations: ClaimReservations
    /// Which claims wait for sandboxes of which set.
    let waiting: ClaimsWaiting
    /// Writes that the caches do not show yet.
    let expectations: Expectations<ObjectKey>
    /// Has a claim looked at.
    let look: @Sendable (ObjectKey) -> Void
    let metrics: ClaimMetrics
    let memory = ClaimMemory()
    let logger: Logger
    var now: @Sendable () -> Date = { Date() }

    /// How often one look may decide: what is left after these is left to the next look.
    private static let turns = 64

    /// Brings one claim nearer to what is wanted of it.
    ///
    /// - Throws: What the API server did not do; the claim is looked at again later.
    func reconcile(_ key: ObjectKey) async throws -> Reconciliation {
        guard let cached = claims.store[key], cached.metadata.deletionTimestamp == nil else {
            forget(key)
            return .done
        }
        var claim = memory.newest(cached)
        if claim.status?.phase == .completed { return try await rest(claim) }
        guard expectations.areMet(for: key) else { return .requeue(after: expectations.patience) }
        var terms: KruiseClaimTerms
        do {
            terms = try KruiseClaimTerms(claim.spec)
        } catch {
            return try await refuse(claim, error)
        }
        var sightings = ClaimSightings()
        // Whether what is written down is known to be the present.
        var isCurrent = false
        for _ in 0..<Self.turns {
            let source = try await source(of: claim)
            if !source.canMake { terms.createsOnNoStock = false }
            let record = (try? KruiseClaimRecord(of: claim)) ?? KruiseClaimRecord()
            let free = candidates(of: claim, record, source)
            let view = try await view(of: claim, record, source, free: free.count, &sightings)
            var decision = KruiseClaimDecision(terms, record, view, now: now())
            release(record.places, insteadOf: decision, claim)
            try await labelPods(decision.taken, of: claim, &sightings)
            if let end = decision.end { return try await finish(claim, terms, decision, end, source) }
            let taken = reservations.pick(decision.reserve, of: free, for: claim.metadata.uid ?? "")
            let aims = taken + invent(decision.invent, of: claim)
            if taken.count < decision.reserve, aims.isEmpty {
                // Others were faster; the next turn sees that.
                continue
            }
            if decision.mustWrite || !aims.isEmpty {
                decision.record.places += aims
                guard let written = try await write(decision.record, to: claim) else {
                    release(taken, claim)
                    return .done
                }
                claim = written
                isCurrent = true
                continue
            }
            // A name that was written down may have been given up since by a controller that took over: it is not to be made again.
            if !decision.make.isEmpty, !isCurrent {
                let current = try await resource(KruiseSandboxClaim.self, of: claim).find(key.name)
                guard let current, current.metadata.uid == claim.metadata.uid else { return .done }
                memory.note(current)
                isCurrent = true
                if current.metadata.resourceVersion != claim.metadata.resourceVersion {
                    claim = current
                    if claim.status?.phase == .completed { return try await rest(claim) }
                    continue
                }
            }
            do {
                if try await perform(decision, source, of: claim, terms, &sightings) { continue }
            } catch let refusal as KruiseClaimRefusal {
                return try await refuse(claim, refusal, has: decision.claimed)
            } catch {
                // Whoever waits is told why, and gets what there is when it is over.
                try? await report(&claim, terms, decision, source, because: "\(error)")
                throw error
            }
            if decision.record != record {
                // What is ready is its owner's from now on, whatever becomes of it.
                guard let written = try await write(decision.record, to: claim) else { return .done }
                claim = written
            }
            wait(decision, source, claim)
            try await report(&claim, terms, decision, source)
            return .requeue(after: .seconds(max(0, (decision.wakeAt ?? now()).timeIntervalSince(now()))))
        }
        return .requeue(after: .zero)
    }

    /// Writes down what the claim is about to do, if nobody has changed it since it was read.
    ///
    /// - Returns: The claim as it is now; nil if it has changed since, or is gone. Its watch tells of that.
    private func write(_ record: KruiseClaimRecord, to claim: KruiseSandboxClaim) async throws -> KruiseSandboxClaim? {
        let annotations: JSONValue = [KruiseClaimRecord.annotation: .string(record.jsonText)]
        let change = MergePatch(["metadata": ["annotations": annotations]])
            .requiring(resourceVersion: claim.metadata.resourceVersion ?? "")
        do {
            let written = try await resource(KruiseSandboxClaim.self, of: claim).patch(
                claim.metadata.name,
                .merge(change)
            )
            memory.note(written)
            return written
        } catch let error as KubeError where error.isConflict || error.isNotFound {
            return nil
        }
    }

    /// Notes that a claim waits for sandboxes of a set, or that it does not.
    private func wait(_ decision: KruiseClaimDecision, _ source: ClaimSource, _ claim: KruiseSandboxClaim) {
        guard case .set(let set, _) = source, decision.isWaitingForStock else { return waiting.forget(claim.key) }
        guard waiting.tell(claim.key) else { return }
        recorder.record(
            .warning,
            about: claim,
            reason: "NoAvailableSandboxes",
            "The set \(set.metadata.name) has no sandbox left: \(decision.claimed) are claimed so far."
        )
    }

    /// Lets go what a claim aims at no more, or has.
    private func release(
        _ old: [KruiseClaimPlace],
        insteadOf decision: KruiseClaimDecision,
        _ claim: KruiseSandboxClaim
    ) {
        let kept = Set((decision.record.places + decision.taken).map(\.name))
        release(old.filter { !kept.contains($0.name) }, claim)
    }

    private func release(_ places: [KruiseClaimPlace], _ claim: KruiseSandboxClaim) {
        let uids = places.compactMap(\.uid)
        guard !uids.isEmpty, reservations.release(uids, of: claim.metadata.uid ?? "") else { return }
        wakeOthers(claim)
    }

    /// What was reserved for one claim is there for others.
    func wakeOthers(_ claim: KruiseSandboxClaim) {
        let set = ObjectKey(namespace: claim.metadata.namespace, name: claim.spec.templateName)
        for other in waiting.claims(of: set) where other != claim.key { look(other) }
    }

    /// A claim is of no interest any more.
    private func forget(_ key: ObjectKey) {
        expectations.forget(key)
        waiting.forget(key)
        guard let claim = memory.forget(key), reservations.forget(claim.metadata.uid ?? "") else { return }
        wakeOthers(claim)
    }

    /// The objects of a type in a claim's namespace.
    func resource<Object: KubeResource>(
        _ type: Object.Type = Object.self,
        of claim: KruiseSandboxClaim
    ) -> ResourceClient<Object> {
        client.resource(in: .named(claim.metadata.namespace ?? "default"))
    }
}
