// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import KubeClient
import KubeModels
import KubeRuntime
import Logging
import SandboxModels
import SnapshotProvider

import struct Foundation.Date

/// Runs the state machine of the Kruise dialect's Sandboxes, each of which is an aggregate of one.
///
/// As with BatchSandboxes, nothing is kept in memory, and what is written down is written only if nobody has changed the object since
/// it was read.
struct KruiseSandboxReconciler: SandboxReconciler {
    let sandboxes: KruiseSandboxes
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
    private static let turns = 16

    /// Brings one sandbox nearer to what is wanted of it.
    ///
    /// - Throws: What the API server or the provider did not do; the sandbox is looked at again later.
    func reconcile(_ key: ObjectKey) async throws -> Reconciliation {
        guard var sandbox = sandboxes.sandboxes.store[key], sandbox.isComplete else { return .done }
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
        of sandbox: inout KruiseSandbox,
        _ sightings: inout CaptureSightings
    ) async throws -> Reconciliation? {
        var state = state
        let before = state.record
        if sandbox.outlivesPauseTime(state.lastIntent, state.intent, at: now()) {
            state.record.spentPauseAt = sandbox.spec.pauseTime?.date
        }
        if let action = sandbox.due(at: now(), spentPauseTime: state.record.spentPauseAt) {
            try await act(action, on: sandbox)
            return .done
        }
        let intent = AggregateIntent(sandbox.lifecycleIntent(state.intent), replicas: sandbox.wantedReplicas)
        let decision = decide(intent, state.record, sandbox, sightings) { place($0, of: sandbox) }
        state.record = decision.record
        let forgotten = state.images.forgotten
        state.noteImages(of: sandbox, givenUp: sightings.givenUp, settings)
        if let change = change(of: sandbox, to: state) {
            guard let written = try await write(change, to: sandbox) else { return .done }
            sandbox = written
            tell(from: before, to: decision.record, of: sandbox)
            tellOfLosses(from: before, to: decision.record, of: sandbox)
            if state.images.forgotten > forgotten { tellOfForgottenImages(sandbox) }
        }
        guard try await reportPauseSnapshots(decision.record, of: sandbox) else { return .done }
        try await report(state, sightings, of: &sandbox)
        do {
            try await perform(decision, sandbox, &sightings)
        } catch {
            try await report(state, sightings, of: &sandbox)
            throw error
        }
        guard !sightings.takeNews() else { return nil }
        try await report(state, sightings, of: &sandbox)
        try await reportProgress(decision, &sightings, of: sandbox)
        let due = sandbox.nextDue(after: now(), spentPauseTime: decision.record.spentPauseAt)
        return next([decision.wakeAt, due], sightings)
    }

    private func change(of sandbox: KruiseSandbox, to state: MachineState) -> MergePatch? {
        let isSaved =
            switch state.record.phase {
            case .pausing, .sealing, .releasing, .thawing, .paused, .resuming: true
            case .pending, .running, .failed, .deleting, .deleted: false
            }
        return MachineState.change(
            of: sandbox,
            annotations: state.annotations,
            finalizers: state.finalizers(of: sandbox, settings, isWanted: isSaved),
            spec: nil
        )
    }

    /// Writes the state down, if the object is still the one that was read.
    ///
    /// - Returns: The object as it is now; nil if it has changed since, or is gone. Its watch tells of that.
    private func write(_ change: MergePatch, to sandbox: KruiseSandbox) async throws -> KruiseSandbox? {
        let change = change.requiring(resourceVersion: sandbox.metadata.resourceVersion ?? "")
        do {
            return try await resource(of: sandbox).patch(sandbox.metadata.name, .merge(change))
        } catch let error as KubeError where error.isConflict || error.isNotFound {
            return nil
        }
    }

    // MARK: - Dates

    /// Does what a sandbox's dates say, unless somebody has changed it meanwhile: they may be others now.
    private func act(_ action: KruiseTimerAction, on sandbox: KruiseSandbox) async throws {
        let sandboxes = resource(of: sandbox)
        do {
            switch action {
            case .delete:
                _ = try await sandboxes.delete(
                    sandbox.metadata.name,
                    DeleteOptions(uid: sandbox.metadata.uid, resourceVersion: sandbox.metadata.resourceVersion)
                )
                recorder.record(
                    .normal,
                    about: sandbox,
                    reason: "ShutdownTimeReached",
                    "Its shutdownTime \(sandbox.spec.shutdownTime?.text ?? "") has passed, so it is deleted."
                )
            case .pause(let spec):
                var paused = sandbox
                paused.spec = spec
                let change = try MergePatch(from: sandbox, to: paused)
                    .requiring(resourceVersion: sandbox.metadata.resourceVersion ?? "")
                _ = try await sandboxes.patch(sandbox.metadata.name, .merge(change))
                recorder.record(
                    .normal,
                    about: sandbox,
                    reason: "PauseTimeReached",
                    "Its pauseTime \(sandbox.spec.pauseTime?.text ?? "") has passed, so it is paused."
                )
            }
        } catch let error as KubeError where error.isConflict || error.isNotFound {
            // Its watch tells of that.
            return
        }
    }
}

extension KruiseSandbox {
    /// Whether it says what its pod is made from. Nothing is done about one that does not, as upstream has it, unless it had begun.
    fileprivate var isComplete: Bool {
        spec.template != nil || spec.templateRef != nil || metadata.deletionTimestamp != nil
            || metadata.annotations[OpenSandbox.Annotation.record] != nil
    }
}
