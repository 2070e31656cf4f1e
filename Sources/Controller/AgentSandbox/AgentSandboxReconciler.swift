// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import KubeClient
import KubeModels
import KubeRuntime
import Logging
import SandboxModels
import SnapshotProvider

import struct Foundation.Date

/// Runs the state machine of the AgentSandbox dialect's Sandboxes, each of which is an aggregate of one, beside upstream's controller.
///
/// That one makes the pods, deletes them as soon as a sandbox is suspended, and alone writes the status. So this one says in the spec
/// what it wants of it, and keeps and tells everything in annotations. What nobody asks anything of is never written to. As with the
/// other dialects nothing is kept in memory, and what is written is written only if nobody has changed the object since it was read.
struct AgentSandboxReconciler<Version: AgentSandboxVersion>: SandboxReconciler {
    typealias Sandbox = AgentSandbox<Version>

    let sandboxes: Informer<Sandbox>
    let pods: Informer<Pod>
    let snapshots: Informer<SandboxSnapshot>
    let client: KubeClient
    let providers: SnapshotProviders
    let settings: SandboxControllerSettings
    let recorder: EventRecorder
    let metrics: SandboxMetrics
    let logger: Logger
    let pace = ProgressPace()
    var now: @Sendable () -> Date = { Date() }

    /// How often one look may decide; what is left after these is left to the next look.
    private static var turns: Int { 16 }

    /// Brings one sandbox nearer to what is wanted of it.
    ///
    /// - Throws: What the API server or the provider did not do; the sandbox is looked at again later.
    func reconcile(_ key: ObjectKey) async throws -> Reconciliation {
        guard var sandbox = sandboxes.store[key], isAsked(sandbox) else {
            pace.forget(key)
            return .done
        }
        var sightings = CaptureSightings()
        for _ in 0..<Self.turns {
            let state = try MachineState(of: sandbox)
            let next = try await RequestID.$current.withValue(state.requestID) {
                try await turn(state, of: &sandbox, &sightings)
            }
            if let next { return next }
        }
        return .requeue(after: .zero)
    }

    /// Decides once, and does what follows from it.
    ///
    /// - Returns: What comes next; nil if it is to be decided again at once.
    private func turn(
        _ state: MachineState,
        of sandbox: inout Sandbox,
        _ sightings: inout CaptureSightings
    ) async throws -> Reconciliation? {
        var state = state
        var notes = AgentSandboxNotes(of: sandbox)
        let noted = notes
        if sandbox.metadata.annotations[OpenSandbox.Annotation.record] == nil,
            let name = sandbox.metadata.annotations[AgentSandboxes.Annotation.restoreFrom]
        {
            switch try await origin(of: sandbox, named: name) {
            case .artifact(let artifact):
                let identity = state.record.identity
                state.record = AggregateRecord(identity: identity, pausedInto: artifact, now: now())
                notes.restored = artifact.parts.map(\.digest)
            case .pending(let problem, let isFinal):
                return try await tell(problem, isFinal: isFinal, of: sandbox)
            }
        }
        let before = state.record
        notes.isSuspended = sandbox.isSuspended
        if before.phase == .failed, isRunAnew(sandbox) { state.intent.restateRunning() }
        let intent = AggregateIntent(sandbox.lifecycleIntent(state.intent), replicas: sandbox.wantedReplicas)
        let decision = decide(intent, before, sandbox, sightings) { place($0, of: sandbox) }
        state.record = decision.record
        state.intent.settle(by: decision.record)
        let forgotten = state.images.forgotten
        state.noteImages(of: sandbox, givenUp: sightings.givenUp, settings)
        state.images.disown(notes.restored)
        if let change = change(of: sandbox, to: state, notes) {
            guard let written = try await write(change, to: sandbox) else { return .done }
            sandbox = written
            tell(from: before, to: decision.record, of: sandbox)
            tellOfSuspension(before, noted, of: sandbox)
            if state.images.forgotten > forgotten { tellOfForgottenImages(sandbox) }
        }
        guard try await reportPauseSnapshots(decision.record, of: sandbox) else { return .done }
        try await perform(decision, sandbox, &sightings)
        guard !sightings.takeNews() else { return nil }
        _ = try await newProgress(decision, nil, &sightings, of: sandbox)
        return next([decision.wakeAt], sightings)
    }

    /// Whether anybody has asked for something of a sandbox, or something of that is left.
    private func isAsked(_ sandbox: Sandbox) -> Bool {
        let metadata = sandbox.metadata
        // The rest is upstream's and the garbage collector's.
        if metadata.deletionTimestamp != nil { return metadata.finalizers.contains(Sandbox.cleanupFinalizer) }
        let asked = [
            OpenSandbox.Annotation.record, AgentSandboxes.Annotation.suspend, AgentSandboxes.Annotation.restoreFrom,
        ]
        if asked.contains(where: { metadata.annotations[$0] != nil }) { return true }
        return snapshots.store.objects(.sandbox, sandbox.reference.description).contains {
            !$0.isOfPause && $0.status?.isFinal != true && $0.metadata.deletionTimestamp == nil
        }
    }

    /// Writes the state down, if the object is still the one that was read.
    ///
    /// - Returns: The object as it is now; nil if it has changed since, or is gone. Its watch tells of that.
    func write(_ change: MergePatch, to sandbox: Sandbox) async throws -> Sandbox? {
        let change = change.requiring(resourceVersion: sandbox.metadata.resourceVersion ?? "")
        do {
            return try await resource(of: sandbox).patch(sandbox.metadata.name, .merge(change))
        } catch let error as KubeError where error.isConflict || error.isNotFound {
            return nil
        }
    }
}
