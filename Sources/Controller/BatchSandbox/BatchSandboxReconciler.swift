// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import KubeClient
import KubeModels
import KubeRuntime
import Logging
import SandboxModels
import SnapshotProvider

import struct Foundation.Date

/// Runs the state machine of BatchSandboxes, with pods of their own or of a pool: observes, decides, writes down, acts.
///
/// It keeps nothing in memory. What the machine has written down is in the object's annotations, written only if nobody has
/// changed the object since it was read; so a controller that does not know that it leads no more does nothing that counts.
struct BatchSandboxReconciler: SandboxReconciler {
    let sandboxes: Informer<BatchSandbox>
    let pods: Informer<Pod>
    let snapshots: Informer<SandboxSnapshot>
    let shortages: PoolShortages
    let stoppedTasks: StoppedTasks
    let client: KubeClient
    let providers: SnapshotProviders
    let settings: SandboxControllerSettings
    let recorder: EventRecorder
    let metrics: SandboxMetrics
    let logger: Logger
    let pace = ProgressPace()
    var now: @Sendable () -> Date = { Date() }

    /// How often one look may decide. The longest way, from a capture that is done to a release that is asked for, takes a
    /// few turns; what is left after these is left to the next look.
    private static let turns = 16

    /// Brings one sandbox nearer to what is wanted of it.
    ///
    /// - Throws: What the API server or the provider did not do; the sandbox is looked at again later.
    func reconcile(_ key: ObjectKey) async throws -> Reconciliation {
        guard var sandbox = sandboxes.store[key], sandbox.isIndependent || sandbox.isPooled else { return .done }
        // Its pool recycles its pods, and of what may have been frozen there is the finalizer.
        guard !sandbox.isPooled || !sandbox.isBeingLetGo else { return .done }
        if let next = try await takeOver(&sandbox) { return next }
        if try await deleteIfExpired(sandbox) { return .done }
        if try await refuseIfTooLarge(sandbox) { return next([sandbox.expiry], CaptureSightings()) }
        var sightings = CaptureSightings()
        for _ in 0..<Self.turns {
            let state = try BatchSandboxState(of: sandbox)
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
        _ state: BatchSandboxState,
        of sandbox: inout BatchSandbox,
        _ sightings: inout CaptureSightings
    ) async throws -> Reconciliation? {
        var state = state
        let before = state.record
        let places = places(of: sandbox, state).without { sightings.isForgotten($0) }
        try await confirmLosses(places, before, of: sandbox, &sightings)
        let decision = decide(state.wanted(of: sandbox), before, sandbox, sightings) { places[$0] }
        state.record = decision.record
        guard !isUnserved(sandbox, decision) else {
            try await report(decision, state, places, of: &sandbox)
            return next([decision.wakeAt, sandbox.expiry], sightings)
        }
        let forgotten = state.images.forgotten
        state.noteImages(of: sandbox, givenUp: sightings.givenUp, settings)
        try state.notePool(of: sandbox, insteadOf: before, places)
        if sandbox.metadata.deletionTimestamp == nil {
            state.noteEndpoints(of: pods(at: places, of: sandbox), of: sandbox)
        }
        if let change = state.change(of: sandbox, settings) {
            guard let written = try await write(change, to: sandbox) else { return .done }
            sandbox = written
            tell(from: before, to: decision.record, of: sandbox)
            if state.images.forgotten > forgotten { tellOfForgottenImages(sandbox) }
        }
        guard try await reportPauseSnapshots(decision.record, of: sandbox) else { return .done }
        if sandbox.metadata.deletionTimestamp == nil {
            try await report(decision, state, places, of: &sandbox)
        }
        try await perform(decision, sandbox, &sightings)
        guard !sightings.takeNews() else { return nil }
        try await reportProgress(decision, &sightings, of: sandbox)
        return next([decision.wakeAt, sandbox.expiry], sightings)
    }

    /// Writes the state down, if the object is still the one that was read.
    ///
    /// - Returns: The object as it is now; nil if it has changed since, or is gone. Its watch tells of that.
    func write(_ change: MergePatch, to sandbox: BatchSandbox) async throws -> BatchSandbox? {
        let change = change.requiring(resourceVersion: sandbox.metadata.resourceVersion ?? "")
        do {
            return try await resource(of: sandbox).patch(sandbox.metadata.name, .merge(change))
        } catch let error as KubeError where error.isConflict || error.isNotFound {
            return nil
        } catch let error as KubeError where AnnotationRoom.isExceeded(by: change, of: sandbox) {
            try await report(SandboxNotice(noRoomIn: sandbox), of: sandbox)
            throw error
        }
    }

    /// The pods at the places that a sandbox is to have.
    func pods(at places: PodPlaces, of sandbox: BatchSandbox) -> [Pod] {
        (0..<max(0, min(sandbox.spec.replicas, places.count))).compactMap { places[$0].pod }
    }
}

extension BatchSandbox {
    /// Whether it is being deleted, and nothing of it has to be ended before.
    fileprivate var isBeingLetGo: Bool {
        metadata.deletionTimestamp != nil && !metadata.finalizers.contains(OpenSandbox.Finalizer.sandboxCleanup)
    }
}
