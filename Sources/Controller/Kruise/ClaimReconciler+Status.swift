// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import KubeClient
import KubeModels
import KubeRuntime
import SandboxModels

import struct Foundation.Date

/// Telling how far a claim is, and what comes after its end.
extension SandboxClaimReconciler {
    /// Tells how far it is.
    ///
    /// - Parameter reason: What is in the way.
    func report(
        _ claim: inout KruiseSandboxClaim,
        _ terms: KruiseClaimTerms,
        _ decision: KruiseClaimDecision,
        _ source: ClaimSource,
        because reason: String? = nil
    ) async throws {
        var status = baseline(claim, terms, decision)
        status.phase = .claiming
        let wanted = decision.record.replicas ?? terms.replicas
        var message = "\(decision.claimed) of \(wanted) sandboxes are claimed"
        switch source {
        case .waiting(let why): message += "; \(why)"
        case .set(_, nil): message += "; the set has no template that sandboxes could be made from"
        default: if decision.isWaitingForStock { message += "; the set has no more available" }
        }
        if let reason { message += "; \(reason)" }
        status.message = message
        if let written = try await write(status, to: claim) { claim = written }
    }

    /// Ends a claim.
    func finish(
        _ claim: KruiseSandboxClaim,
        _ terms: KruiseClaimTerms,
        _ decision: KruiseClaimDecision,
        _ end: KruiseClaimDecision.End,
        _ source: ClaimSource
    ) async throws -> Reconciliation {
        typealias Reason = KruiseSandboxClaimCondition.Reason
        var status = baseline(claim, terms, decision)
        let wanted = decision.record.replicas ?? terms.replicas
        let count = "\(decision.claimed) of \(wanted) sandboxes are claimed"
        let name = claim.spec.templateName
        switch end {
        case .allClaimed:
            status.message = "all \(wanted) sandboxes are claimed"
            complete(&status, Reason.allReplicasClaimed, of: claim)
        case .sourceMissing:
            status.message =
                "there is neither a SandboxSet nor a Checkpoint \(name) in this namespace: create one, and the claim anew; \(count)"
            complete(&status, Reason.sandboxSetNotFound, of: claim)
        case .sourceUnusable(let why):
            status.message = "\(why): name another one in a new claim; \(count)"
            complete(&status, Reason.checkpointNotUsable, of: claim)
        case .timedOut:
            var message = "\(count) after \(claim.spec.claimTimeout ?? "1m")"
            if case .waiting(let why) = source { message += "; \(why)" }
            status.message = message
            complete(&status, Reason.timeoutReached, of: claim)
            status.conditions[KruiseSandboxClaimCondition.timedOut.rawValue] = condition(
                .timedOut,
                Reason.claimTimeoutReached,
                message,
                of: claim
            )
        }
        return try await settle(claim, status)
    }

    /// Ends a claim that cannot be carried out.
    func refuse(
        _ claim: KruiseSandboxClaim,
        _ refusal: KruiseClaimRefusal,
        has claimed: Int = 0
    ) async throws -> Reconciliation {
        var status = claim.status ?? KruiseSandboxClaimStatus()
        status.observedGeneration = claim.metadata.generation
        status.claimedReplicas = max(status.claimedReplicas, claimed, owned(by: claim))
        status.message = refusal.message
        complete(&status, refusal.reason, of: claim)
        return try await settle(claim, status)
    }

    private func settle(_ claim: KruiseSandboxClaim, _ status: KruiseSandboxClaimStatus) async throws -> Reconciliation
    {
        guard let written = try await write(status, to: claim) else { return .done }
        waiting.forget(claim.key)
        if reservations.forget(claim.metadata.uid ?? "") { wakeOthers(claim) }
        let reason = status.conditions[KruiseSandboxClaimCondition.completed.rawValue]?.reason ?? ""
        // The API server tells whole seconds of the creation; what was written down at the first look is nearer.
        let started = (try? KruiseClaimRecord(of: written))?.started?.date ?? written.metadata.creationTimestamp?.date
        metrics.ended(
            reason,
            after: started.map { now().timeIntervalSince($0) } ?? 0,
            claimed: status.claimedReplicas
        )
        let isGood = reason == KruiseSandboxClaimCondition.Reason.allReplicasClaimed
        recorder.record(
            isGood ? .normal : .warning,
            about: claim,
            reason: "ClaimCompleted",
            "\(reason): \(status.message ?? "")"
        )
        return try await rest(written)
    }

    /// What comes after the end: the claim is deleted in its time, its sandboxes stay.
    func rest(_ claim: KruiseSandboxClaim) async throws -> Reconciliation {
        var claim = claim
        let owned = owned(by: claim)
        if var status = claim.status, owned > status.claimedReplicas {
            // Somebody who believed to be in charge was late. It is the claim's all the same.
            status.claimedReplicas = owned
            guard let written = try await write(status, to: claim) else { return .done }
            claim = written
        }
        guard let life = KruiseClaimTerms.lifeAfterEnd(claim.spec), let end = claim.status?.completionTime else {
            return .done
        }
        let left = end.date.addingTimeInterval(life).timeIntervalSince(now())
        guard left <= 0 else { return .requeue(after: .seconds(left)) }
        do {
            _ = try await resource(KruiseSandboxClaim.self, of: claim).delete(
                claim.metadata.name,
                DeleteOptions(uid: claim.metadata.uid, resourceVersion: claim.metadata.resourceVersion)
            )
            recorder.record(
                .normal,
                about: claim,
                reason: "SandboxClaimTTLDelete",
                "It ended \(claim.spec.ttlAfterCompleted ?? "60m") ago, so it is deleted. Its sandboxes stay."
            )
        } catch let error as KubeError where error.isConflict || error.isNotFound {
            // Its watch tells of that.
            return .done
        }
        return .done
    }

    /// What a status says in any case.
    private func baseline(
        _ claim: KruiseSandboxClaim,
        _ terms: KruiseClaimTerms,
        _ decision: KruiseClaimDecision
    ) -> KruiseSandboxClaimStatus {
        var status = claim.status ?? KruiseSandboxClaimStatus()
        status.observedGeneration = claim.metadata.generation
        status.claimedReplicas = decision.claimed
        status.claimStartTime = status.claimStartTime ?? decision.record.started.map { Timestamp($0.date) }
        let first = decision.record.replicas ?? terms.replicas
        let type = KruiseSandboxClaimCondition.replicasImmutable
        status.conditions[type.rawValue] =
            first == terms.replicas
            ? nil
            : condition(
                type,
                KruiseSandboxClaimCondition.Reason.replicasChanged,
                "replicas is immutable: the claim began with \(first) and keeps to that; create another claim for more than that",
                of: claim
            )
        return status
    }

    private func complete(_ status: inout KruiseSandboxClaimStatus, _ reason: String, of claim: KruiseSandboxClaim) {
        status.phase = .completed
        status.completionTime = Timestamp(now())
        status.claimStartTime = status.claimStartTime ?? status.completionTime
        let type = KruiseSandboxClaimCondition.completed
        status.conditions[type.rawValue] = condition(type, reason, status.message ?? "", of: claim)
    }

    private func condition(
        _ type: KruiseSandboxClaimCondition,
        _ reason: String,
        _ message: String,
        of claim: KruiseSandboxClaim
    ) -> KubeModels.Condition {
        .with {
            $0.type = type.rawValue
            $0.status = "True"
            $0.observedGeneration = claim.metadata.generation
            $0.lastTransitionTime = Timestamp(now())
            $0.reason = reason
            $0.message = message
        }
    }

    /// Writes the status, if it has changed and nobody has changed the claim since it was read.
    ///
    /// - Returns: The claim as it is now; nil if somebody has, or it is gone. Its watch tells of that.
    private func write(
        _ status: KruiseSandboxClaimStatus,
        to claim: KruiseSandboxClaim
    ) async throws -> KruiseSandboxClaim? {
        guard status != claim.status else { return claim }
        var told = claim
        told.status = status
        let change = try MergePatch(from: claim, to: told)
            .requiring(resourceVersion: claim.metadata.resourceVersion ?? "")
        do {
            let written = try await resource(KruiseSandboxClaim.self, of: claim)
                .patch(claim.metadata.name, .merge(change), subresource: .status)
            memory.note(written)
            return written
        } catch let error as KubeError where error.isConflict || error.isNotFound {
            return nil
        }
    }
}
