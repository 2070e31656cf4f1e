// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import KubeClient
import KubeModels
import KubeRuntime
import SandboxModels

import struct Foundation.UUID

/// Taking sandboxes, having them made, and getting rid of those that do not come up.
extension SandboxClaimReconciler {
    /// How many sandboxes are written into at first; twice as many after each time at which none failed.
    private static let firstBatch = 5
    /// How many of their own names' characters sandboxes may have: so many that labels can have them as values.
    private static let longestPrefix = 57

    /// Names for sandboxes that are to be made.
    func invent(_ count: Int, of claim: KruiseSandboxClaim) -> [KruiseClaimPlace] {
        guard count > 0 else { return [] }
        let prefix = claim.spec.templateName.prefix(Self.longestPrefix).drop { $0 == "-" }
        return (0..<count).map { _ in
            KruiseClaimPlace("\(prefix)-\(String((0..<5).map { _ in Self.letters.randomElement() ?? "x" }))")
        }
    }

    /// Those that API servers use for names.
    private static let letters = Array("bcdfghjklmnpqrstvwxz2456789")

    /// Does what was decided.
    ///
    /// - Returns: Whether there was anything to do, so that there is something new to be seen.
    /// - Throws: `KruiseClaimRefusal` for what the API server will never take; what it did not do.
    func perform(
        _ decision: KruiseClaimDecision,
        _ source: ClaimSource,
        of claim: KruiseSandboxClaim,
        _ terms: KruiseClaimTerms,
        _ sightings: inout ClaimSightings
    ) async throws -> Bool {
        enum Step: Sendable {
            case take(KruiseClaimPlace, KruiseSandbox)
            case make(KruiseClaimPlace)
            case discard(KruiseClaimPlace)
        }
        let taking = taking(claim)
        var steps: [Step] = decision.discard.map { .discard($0) }
        for place in decision.take {
            let cached = sandboxes.store[claim.metadata.namespace, place.name]
            guard let sandbox = sightings.newest(place.name, cached) else { continue }
            steps.append(.take(place, sandbox))
        }
        if source.canMake { steps += decision.make.map { .make($0) } }
        guard !steps.isEmpty else { return false }
        let answers = ClaimAnswers()
        let failure = await steps.slowStart(Self.firstBatch) { step in
            switch step {
            case .take(let place, let sandbox):
                answers.note(try await take(sandbox, taking.with(place.lock), of: claim), place.name)
            case .make(let place):
                answers.note(try await make(place.name, source, taking, of: claim), place.name)
            case .discard(let place):
                answers.note(try await discard(place.name, keeping: terms.keepsFailed, of: claim), place.name)
            }
        }
        for (name, sandbox) in answers.all { sightings.note(sandbox, name: name) }
        if let failure { throw failure }
        return true
    }

    /// What is written into each sandbox of a claim.
    private func taking(_ claim: KruiseSandboxClaim) -> KruiseTaking {
        var taking = KruiseTaking(owner: claim.metadata.uid ?? "", lock: UUID().uuidString.lowercased(), time: now())
        taking.claim = claim.metadata.name
        taking.labels = claim.spec.labels
        taking.annotations = claim.spec.annotations
        taking.annotations[Kruise.Annotation.sandboxPriority] = "100"
        if !claim.spec.envVars.isEmpty {
            let variables = claim.spec.envVars.mapValues { JSONValue.string($0) }
            let request: JSONValue = ["envVars": .object(variables)]
            taking.annotations[Kruise.Annotation.initRuntimeRequest] = request.jsonText
        }
        if claim.spec.skipInitRuntime == true { taking.annotations[Kruise.Annotation.skipsRuntime] = "true" }
        let changed: JSONValue = [
            "labels": .array(claim.spec.labels.keys.sorted().map { .string($0) }),
            "annotations": .array(claim.spec.annotations.keys.sorted().map { .string($0) }),
        ]
        taking.annotations[Kruise.Annotation.updatedMetadataInClaim] = changed.jsonText
        taking.shutdownTime = claim.spec.shutdownTime
        taking.pauseTime = claim.spec.pauseTime
        return taking
    }

    /// Takes a sandbox, if it is as it was seen.
    ///
    /// - Returns: How it is now; nil if it is gone.
    private func take(
        _ sandbox: KruiseSandbox,
        _ taking: KruiseTaking,
        of claim: KruiseSandboxClaim
    ) async throws -> KruiseSandbox? {
        let name = sandbox.metadata.name
        do {
            let change = try taking.change(of: sandbox)
            let taken = try await expectations.creation(for: claim.key) {
                try await resource(KruiseSandbox.self, of: claim).patch(name, .merge(change))
            }
            recorder.record(
                .normal,
                about: claim,
                reason: "SandboxClaimed",
                "The sandbox \(name) was taken of its set."
            )
            return taken
        } catch let error as KubeError where error.isConflict {
            return try await resource(of: claim).find(name)
        } catch let error as KubeError where error.isNotFound {
            return nil
        } catch let error as KubeError where error.kind == .invalid {
            throw KruiseClaimRefusal(KruiseSandboxClaimCondition.Reason.invalidClaim, "\(error)")
        }
    }

    /// Has a sandbox made.
    ///
    /// - Returns: How it is now; nil if there is nothing that it could be made from.
    private func make(
        _ name: String,
        _ source: ClaimSource,
        _ taking: KruiseTaking,
        of claim: KruiseSandboxClaim
    ) async throws -> KruiseSandbox? {
        do {
            guard var sandbox = try blank(source) else { return nil }
            sandbox.metadata.name = name
            sandbox.metadata.namespace = claim.metadata.namespace
            try taking.apply(to: &sandbox)
            let new = sandbox
            let made = try await expectations.creation(for: claim.key) { try await resource(of: claim).create(new) }
            try await confirm(source, for: made, of: claim)
            recorder.record(.normal, about: claim, reason: "SandboxCreated", "The sandbox \(name) is made.")
            return made
        } catch let error as KubeError where error.isAlreadyExists {
            return try await resource(of: claim).find(name)
        } catch let error as KubeError where error.kind == .invalid {
            throw KruiseClaimRefusal(KruiseSandboxClaimCondition.Reason.invalidClaim, "\(error)")
        } catch let error as JSONError {
            throw KruiseClaimRefusal(
                KruiseSandboxClaimCondition.Reason.invalidClaim,
                "the template of \(claim.spec.templateName) cannot be read: \(error)"
            )
        }
    }

    /// Sees to it that what a clone starts from outlives it.
    ///
    /// Whoever deletes a checkpoint with its images looks for clones when it is marked as being deleted. So one that was made before
    /// the mark keeps the images, and one that may not have been is taken back.
    ///
    /// - Throws: `KruiseClaimRefusal` if it was taken back.
    func confirm(_ source: ClaimSource, for made: KruiseSandbox, of claim: KruiseSandboxClaim) async throws {
        guard case .checkpoint(let checkpoint, _) = source else { return }
        let name = checkpoint.metadata.name
        do {
            let current: KruiseCheckpoint? = try await resource(of: claim).find(name)
            if let current, current.metadata.uid == checkpoint.metadata.uid, current.metadata.deletionTimestamp == nil {
                return
            }
        } catch {
            try? await takeBack(made, of: claim)
            throw error
        }
        try await takeBack(made, of: claim)
        throw KruiseClaimRefusal(
            KruiseSandboxClaimCondition.Reason.checkpointNotUsable,
            "the checkpoint \(name) was deleted while a clone of it was made"
        )
    }

    private func takeBack(_ made: KruiseSandbox, of claim: KruiseSandboxClaim) async throws {
        do {
            _ = try await resource(KruiseSandbox.self, of: claim)
                .delete(made.metadata.name, DeleteOptions(uid: made.metadata.uid))
        } catch let error as KubeError where error.isNotFound || error.isConflict {
            return
        }
    }

    /// A sandbox that nobody has and that has no name yet.
    private func blank(_ source: ClaimSource) throws(JSONError) -> KruiseSandbox? {
        switch source {
        case .set(let set, let plan?): return try set.unownedSandbox(plan.blueprint, revision: plan.revision)
        case .checkpoint(let checkpoint, let template):
            var sandbox = try KruiseSandbox(from: template)
            sandbox.metadata.labels[Kruise.Label.sandboxTemplate] = checkpoint.metadata.name
            let id = checkpoint.status?.checkpointId ?? ""
            sandbox.metadata.annotations[Kruise.Annotation.restoreFrom] = id.isEmpty ? checkpoint.metadata.name : id
            return sandbox
        case .set(_, nil), .waiting, .unusable, .missing: return nil
        }
    }

    /// Deletes a sandbox that did not come up, or says of it that it is only kept for whoever wants to see why.
    ///
    /// - Returns: How it is now; nil if it is gone.
    private func discard(_ name: String, keeping: Bool, of claim: KruiseSandboxClaim) async throws -> KruiseSandbox? {
        let uid = claim.metadata.uid ?? ""
        guard let sandbox = try await resource(KruiseSandbox.self, of: claim).find(name), sandbox.isClaimed(by: uid)
        else {
            return nil
        }
        let why = sandbox.status?.message ?? sandbox.status?.phase?.rawValue ?? "nothing is known of its pod"
        recorder.record(
            .warning,
            about: claim,
            reason: "SandboxNotReady",
            "The sandbox \(name) was not ready in time (\(why)) and is \(keeping ? "kept to be looked at" : "deleted")."
        )
        do {
            guard keeping else {
                let options = DeleteOptions(uid: sandbox.metadata.uid)
                let deletion = try await expectations.deletion(of: sandbox, for: claim.key) {
                    try await resource(KruiseSandbox.self, of: claim).delete(name, options)
                }
                guard case .begun(let leaving) = deletion, leaving.metadata.deletionTimestamp != nil else { return nil }
                return leaving
            }
            let mark: JSONValue = ["metadata": ["labels": [Kruise.Label.reservedFailedSandbox: "true"]]]
            return try await expectations.creation(for: claim.key) {
                try await resource(KruiseSandbox.self, of: claim).patch(name, .merge(MergePatch(mark)))
            }
        } catch let error as KubeError where error.isNotFound || error.isConflict {
            return nil
        }
    }

    /// Gives the pods of sandboxes that were ready before the claim's labels and annotations. Those of pods to come are in the
    /// templates.
    func labelPods(
        _ places: [KruiseClaimPlace],
        of claim: KruiseSandboxClaim,
        _ sightings: inout ClaimSightings
    ) async throws {
        guard !claim.spec.labels.isEmpty || !claim.spec.annotations.isEmpty else { return }
        let change: JSONValue = [
            "metadata": [
                "labels": .object(claim.spec.labels.mapValues { .string($0) }),
                "annotations": .object(claim.spec.annotations.mapValues { .string($0) }),
            ]
        ]
        let names = places.map(\.name).filter { !sightings.labelled.contains($0) }
        let failure = await names.slowStart(Self.firstBatch) { name in
            do {
                _ = try await resource(Pod.self, of: claim).patch(name, .merge(MergePatch(change)))
            } catch let error as KubeError where error.isNotFound {
                // Its next one has them.
            }
        }
        if let failure { throw failure }
        sightings.labelled.formUnion(names)
    }
}

extension KruiseTaking {
    /// The same with the lock that was written down.
    fileprivate func with(_ lock: String?) -> KruiseTaking {
        var taking = self
        if let lock { taking.lock = lock }
        return taking
    }
}
