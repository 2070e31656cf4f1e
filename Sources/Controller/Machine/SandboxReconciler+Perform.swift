// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import KubeClient
import KubeModels
import KubeRuntime
import SandboxModels
import SnapshotProvider

/// How many members are seen to at a time.
private let width = 8

extension SandboxReconciler {
    /// Carries out what was decided, for several members at a time: none waits for a holder of another one that does not answer.
    /// What goes wrong about one keeps nothing else from being done.
    ///
    /// - Throws: What went wrong first and is worth trying again, when all was tried.
    func perform(
        _ decision: AggregateDecision,
        _ sandbox: Sandbox,
        _ sightings: inout CaptureSightings
    ) async throws {
        let mayCapture = try await beginCaptures(decision, sandbox, &sightings)
        var failure: (any Error)?
        try await withThrowingTaskGroup(of: (CaptureSightings, (any Error)?).self) { group in
            var waiting = decision.actions.makeIterator()
            let next = { (group: inout ThrowingTaskGroup<(CaptureSightings, (any Error)?), any Error>) in
                guard let member = waiting.next() else { return }
                group.addTask { try await perform(member, sandbox, mayCapture: mayCapture) }
            }
            for _ in 0..<width { next(&group) }
            while let (seen, error) = try await group.next() {
                sightings.add(seen)
                failure = failure ?? error
                next(&group)
            }
        }
        if let failure { throw failure }
    }

    /// Carries out the actions of one member.
    ///
    /// - Throws: `CancellationError`.
    private func perform(
        _ member: AggregateDecision.MemberActions,
        _ sandbox: Sandbox,
        mayCapture: Bool
    ) async throws -> (CaptureSightings, (any Error)?) {
        var seen = CaptureSightings()
        var failure: (any Error)?
        for action in member.actions {
            if case .capture = action, !mayCapture { continue }
            do {
                try await perform(action, of: member, sandbox, &seen)
            } catch let error as CancellationError {
                throw error
            } catch {
                failure = failure ?? error
            }
        }
        return (seen, failure)
    }

    /// Carries out one action. What it comes to is seen in the caches, or put into the sightings.
    ///
    /// - Throws: What went wrong and is worth trying again.
    private func perform(
        _ action: Action,
        of member: AggregateDecision.MemberActions,
        _ sandbox: Sandbox,
        _ sightings: inout CaptureSightings
    ) async throws {
        let identity = member.identity
        switch action {
        case .createCompute(let attempt, let artifact):
            try await create(attempt, from: artifact, member, sandbox, &sightings)
        case .deleteCompute(let attempt):
            // Its tasks are to end before, and in their own way.
            guard mayEnd(sandbox) else { return }
            _ = try await end(attempt, of: member, sandbox)
        case .release(let uid, let attempt):
            guard try await end(attempt, of: member, sandbox) else { return }
            guard let request = request(uid, of: sandbox, at: member.index),
                try await finish(await providers.provider(of: request).release(request), &sightings) != nil
            else { return }
            guard try await forget(request.source, of: sandbox, at: member.index) else { return }
            // Else the next look would have it released once more, of whoever held it and is gone by then.
            sightings.forget(podUID: request.source.podUID)
        case .verifyArtifact(let artifact, let attempt):
            switch await verify(artifact, in: sandbox.metadata.namespace ?? "default") {
            case .done(let verified):
                tell(of: verified.remarks, sandbox)
                sightings.sight(identity, .init(attempt: attempt, outcome: .verified))
            case .waiting(_, let reasons): sightings.wake(on: reasons)
            case .failed(let failure):
                sightings.sight(identity, .init(attempt: attempt, outcome: .missing(failure.problem)))
            }
        case .capture(let uid, _):
            guard let request = request(uid, of: sandbox, at: member.index) else { return }
            try await capture(request, identity, &sightings)
        case .seal(let uid):
            try await seal(uid, member, sandbox, &sightings)
        case .abandon(let uid):
            try await abandon(uid, member, sandbox, &sightings)
        case .forgetCapture(let uid):
            if let request = request(uid, of: sandbox, at: member.index) {
                guard try await finish(await providers.provider(of: request).forget(request), &sightings) != nil else {
                    return
                }
            }
            sightings.clean(identity, .capture(uid: uid))
        case .deleteArtifact(let artifact):
            // It is written down with what follows from that, and deleted, if it is, from there: see `ImageRetention`.
            sightings.giveUp(identity, artifact)
        }
    }

    /// Tells of what speaks against a restore that is carried out all the same.
    private func tell(of remarks: [String], _ sandbox: Sandbox) {
        for remark in remarks {
            metrics.startedUnproven()
            recorder.record(.warning, about: sandbox, reason: "ProvenanceNotVerified", remark)
        }
    }

    // MARK: - Compute

    private func create(
        _ attempt: Int,
        from artifact: Artifact?,
        _ member: AggregateDecision.MemberActions,
        _ sandbox: Sandbox,
        _ sightings: inout CaptureSightings
    ) async throws {
        var pod: Pod
        switch try await newPod(at: member.index, of: sandbox, from: artifact) {
        case .pod(let made): pod = made
        case .notOurs: return
        case .notYet(let problem): return sightings.postpone(member.identity, problem)
        case .refused(let problem): return sightings.refuse(member.identity, problem)
        }
        if let artifact {
            do {
                let patch = try providers.provider(of: artifact).restore(artifact)
                try pod.restore(patch, pullSecret: settings.pullSecret)
            } catch {
                // Nothing but another template mends it.
                return sightings.refuse(member.identity, Problem("PodNotMade", "The pod cannot be made: \(error)"))
            }
        }
        PodMark(member: member.identity, attempt: attempt).mark(&pod)
        do {
            _ = try await client.resource(Pod.self, in: .named(sandbox.metadata.namespace ?? "default")).create(pod)
            recorder.record(.normal, about: sandbox, reason: "SuccessfulCreate", "Created pod: \(pod.metadata.name)")
        } catch let error as KubeError where error.isAlreadyExists {
            // The cache will show whose it is.
            return
        } catch let error as KubeError where error.kind == .invalid {
            recorder.record(.warning, about: sandbox, reason: "FailedCreate", "Error creating: \(error)")
            sightings.refuse(member.identity, Problem("PodRefused", "The API server refuses the pod: \(error)"))
        } catch {
            recorder.record(.warning, about: sandbox, reason: "FailedCreate", "Error creating: \(error)")
            sightings.postpone(member.identity, Problem("PodNotCreated", "The pod could not be created: \(error)"))
            throw error
        }
    }

    /// Deletes the pod of an attempt.
    func delete(
        _ attempt: Int,
        of member: AggregateDecision.MemberActions,
        _ sandbox: Sandbox
    ) async throws {
        switch place(member.index, of: sandbox) {
        case .own(let pod):
            guard PodMark(of: pod)?.attempt(of: member.identity) ?? attempt == attempt else { return }
            try await delete(pod)
        case .pooled(let pod):
            try await delete(pooled: pod, attempt: attempt, of: member.identity, sandbox)
        case .vacant, .missing, .givenBack, .unreadable:
            return
        }
    }

    /// Takes away the object of a pod whose processes are all known to be dead. A kubelet takes seconds to come round to that,
    /// and there is nothing left to wait for.
    ///
    /// - Returns: Whether it is gone for certain.
    private func forget(_ source: SnapshotSource, of sandbox: Sandbox, at index: Int) async throws -> Bool {
        switch place(index, of: sandbox) {
        case .own(let pod) where pod.metadata.uid == source.podUID,
            .pooled(let pod) where pod.metadata.uid == source.podUID && pod.metadata.deletionTimestamp != nil:
            return try await delete(pod, gracePeriodSeconds: 0)
        case .own, .pooled, .vacant, .missing, .givenBack, .unreadable: return false
        }
    }

    /// Deletes a pod, and no other one that comes to have its name.
    ///
    /// - Parameter gracePeriodSeconds: How long its processes have to end; nil for what its spec says. With 0 the object goes at once,
    ///   unless somebody's finalizer keeps it.
    /// - Returns: Whether the object is gone for certain.
    @discardableResult
    func delete(_ pod: Pod, gracePeriodSeconds: Int? = nil) async throws -> Bool {
        guard pod.metadata.deletionTimestamp == nil || gracePeriodSeconds == 0 else { return false }
        do {
            let answer = try await client.resource(Pod.self, in: .named(pod.metadata.namespace ?? "default"))
                .delete(
                    pod.metadata.name,
                    DeleteOptions(uid: pod.metadata.uid, gracePeriodSeconds: gracePeriodSeconds)
                )
            switch answer {
            case .done: return true
            case .begun(let leaving): return gracePeriodSeconds == 0 && leaving.metadata.finalizers.isEmpty
            }
        } catch let error as KubeError where error.isNotFound || error.isConflict {
            return error.isNotFound
        }
    }

    // MARK: - Captures

    private func capture(
        _ request: SnapshotRequest,
        _ member: String,
        _ sightings: inout CaptureSightings
    ) async throws(SnapshotFailure) {
        switch try await providers.provider(of: request).capture(request) {
        case .done(let artifact):
            sightings.sight(member, .init(uid: request.uid, progress: .succeeded(artifact), hold: .held))
        case .failed(let failure):
            sightings.sight(member, .init(uid: request.uid, progress: .failed(failure.problem), hold: .unknown))
        case .waiting(let progress, let reasons):
            sightings.sight(member, .init(uid: request.uid, progress: .active, hold: .unknown))
            sightings.progress[member] = CaptureProgress(progress)
            sightings.wake(on: reasons)
        }
    }

    private func seal(
        _ uid: String,
        _ member: AggregateDecision.MemberActions,
        _ sandbox: Sandbox,
        _ sightings: inout CaptureSightings
    ) async throws {
        guard let request = request(uid, of: sandbox, at: member.index) else { throw missingRequest(uid) }
        switch try await providers.provider(of: request).seal(request) {
        case .done: sightings.sight(member.identity, .init(uid: uid, progress: .active, hold: .sealed))
        case .waiting(_, let reasons): sightings.wake(on: reasons)
        case .failed(let failure):
            if failure.isRetryable { throw failure }
            sightings.sight(member.identity, .init(uid: uid, progress: .active, hold: .thawed))
        }
    }

    private func abandon(
        _ uid: String,
        _ member: AggregateDecision.MemberActions,
        _ sandbox: Sandbox,
        _ sightings: inout CaptureSightings
    ) async throws {
        // Without a request nothing was begun.
        if let request = request(uid, of: sandbox, at: member.index) {
            guard try await finish(await providers.provider(of: request).abandon(request), &sightings) != nil else {
                return
            }
        }
        sightings.sight(member.identity, .init(uid: uid, progress: .none, hold: .thawed))
    }

    /// Without the provider that made it nobody can say whether it is there.
    private func verify(_ artifact: Artifact, in namespace: String) async -> Step<Verified> {
        do {
            return try await providers.provider(of: artifact).verify(artifact, in: namespace)
        } catch {
            return .failed(error)
        }
    }

    /// The value of a step that is done; nil if it waits.
    @discardableResult
    private func finish<Value>(_ step: Step<Value>, _ sightings: inout CaptureSightings) async throws -> Value? {
        switch step {
        case .done(let value): return value
        case .waiting(_, let reasons):
            sightings.wake(on: reasons)
            return nil
        case .failed(let failure): throw failure
        }
    }

    private func missingRequest(_ uid: String) -> SnapshotFailure {
        SnapshotFailure("SnapshotMissing", "the SandboxSnapshot of capture \(uid) is gone", isRetryable: true)
    }
}

extension CaptureSightings {
    /// When a provider wants to be asked again. Objects are watched anyway.
    fileprivate mutating func wake(on reasons: [WakeReason]) {
        for case .after(let delay) in reasons { wake(after: delay) }
    }
}
