// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import KubeClient
import KubeModels
import KubeRuntime
import Logging
import SandboxModels
import SnapshotProvider

import struct Foundation.Date

/// Takes the snapshots that somebody has asked for: observes, decides, writes down, acts. Those of pauses belong to the machine
/// of their sandbox; see `SandboxReconciler`.
///
/// As there, nothing is kept in memory, and what is written down is written only if nobody has changed the object since it was
/// read.
struct SandboxSnapshotReconciler: Sendable {
    /// Made with `StoreIndex.sandbox`.
    let snapshots: Informer<SandboxSnapshot>
    let sandboxes: SnapshotSandboxes
    let client: KubeClient
    let providers: SnapshotProviders
    let deletion: ImageDeletion
    let settings: SandboxControllerSettings
    let recorder: EventRecorder
    let logger: Logger
    let versions = WrittenVersions()
    let pace = ProgressPace()
    var now: @Sendable () -> Date = { Date() }

    /// How often one look may decide; what is left after these is left to the next look.
    private static let turns = 12

    /// Brings one snapshot nearer to its end.
    ///
    /// - Throws: What the API server or the provider did not do; the snapshot is looked at again later.
    func reconcile(_ key: ObjectKey) async throws -> Reconciliation {
        guard let snapshot = snapshots.store[key] else {
            pace.forget(key)
            versions.forget(key)
            return .done
        }
        guard !versions.isBehind(snapshot) else { return .done }
        guard !snapshot.isOfPause else { return try await letGo(snapshot) }
        guard snapshot.metadata.deletionTimestamp == nil || SandboxSnapshotState.finalizer.isIn(snapshot) else {
            return .done
        }
        return try await RequestID.$current.withValue(snapshot.requestID) { try await take(snapshot) }
    }

    /// Takes a snapshot, as far as that goes now.
    private func take(_ old: SandboxSnapshot) async throws -> Reconciliation {
        var snapshot = old
        var sightings = SnapshotSightings()
        for _ in 0..<Self.turns {
            var state = try SandboxSnapshotState(of: snapshot, now: now())
            let turn = state.record.phase == .waiting ? try await turn(of: snapshot) : .granted
            let decision = Lifecycle.decide(
                isWanted: snapshot.metadata.deletionTimestamp == nil,
                recorded: state.record,
                observation: sightings.observation(turn.turn),
                now: now(),
                policy: settings.policy
            )
            let before = state.record.phase.name
            state.record = decision.record
            if let change = state.change(of: snapshot) {
                guard let written = try await write(change, to: snapshot) else { return .done }
                snapshot = written
                tell(from: before, to: decision.record.phase.name, of: snapshot)
            }
            guard decision.record.phase != .deleted else {
                versions.noteEnd(of: snapshot)
                return .done
            }
            guard let told = try await tell(decision.record, turn, of: snapshot) else { return .done }
            snapshot = told
            for action in decision.actions {
                snapshot = try await perform(action, of: snapshot, decision.record, &sightings)
                if sightings.isStale { return .done }
            }
            guard sightings.takeNews() else { return try await next(decision, &sightings, of: snapshot) }
        }
        return .requeue(after: .zero)
    }

    /// Tells how far the capture is, and says when to look again if nothing happens.
    private func next(
        _ decision: SnapshotDecision,
        _ sightings: inout SnapshotSightings,
        of snapshot: SandboxSnapshot
    ) async throws -> Reconciliation {
        if let words = sightings.words, words != snapshot.status?.progress {
            let delay = pace.delay(words, of: snapshot.key, at: now())
            if delay > 0 {
                sightings.wake(after: .seconds(delay))
            } else {
                _ = try await tell(.capturing(words), in: snapshot)
            }
        }
        let wake = decision.wakeAt.map { Duration.seconds(max(0, $0.timeIntervalSince(now()))) }
        guard let delay = [wake, sightings.wakeAfter].compactMap(\.self).min() else { return .done }
        return .requeue(after: delay)
    }

    // MARK: - Writing

    /// Writes something down, if the object is still the one that was read.
    ///
    /// - Returns: The object as it is now; nil if it has changed since, or is gone. Its watch tells of that.
    func write(_ change: MergePatch, to snapshot: SandboxSnapshot) async throws -> SandboxSnapshot? {
        let change = change.requiring(resourceVersion: snapshot.metadata.resourceVersion ?? "")
        let snapshots = client.resource(SandboxSnapshot.self, in: .named(snapshot.metadata.namespace ?? "default"))
        do {
            let written = try await snapshots.patch(snapshot.metadata.name, .merge(change))
            versions.note(written)
            return written
        } catch let error as KubeError where error.isConflict || error.isNotFound {
            return nil
        }
    }

    /// Tells those who read the log of transitions.
    private func tell(from before: String, to after: String, of snapshot: SandboxSnapshot) {
        guard before != after else { return }
        logger.info("transition", metadata: ["snapshot": "\(snapshot.key)", "from": "\(before)", "to": "\(after)"])
    }

    /// Tells what is written down. Of one that is being deleted nothing more is told.
    private func tell(
        _ record: SnapshotRecord,
        _ turn: SnapshotTurn,
        of snapshot: SandboxSnapshot
    ) async throws -> SandboxSnapshot? {
        guard snapshot.metadata.deletionTimestamp == nil else { return snapshot }
        switch record.phase {
        case .waiting: return try await tell(.waiting(turn.progress), in: snapshot)
        // It is Committing when its capture was begun, see `perform`.
        case .capturing where snapshot.status?.phase != .committing: return try await tell(.waiting(nil), in: snapshot)
        case .capturing: return try await tell(.capturing(nil), in: snapshot)
        case .ending: return try await tell(.capturing(.words("ending")), in: snapshot)
        case .ready(let artifact): return try await tell(.captured(artifact), in: snapshot)
        case .failed(let problem): return try await tell(.failed(problem), in: snapshot)
        case .deleting, .deleted: return snapshot
        }
    }

    /// Tells how far it is.
    ///
    /// - Returns: The object as it is now; nil if it has changed since it was read, or is gone.
    func tell(_ stage: SnapshotStage, in snapshot: SandboxSnapshot) async throws -> SandboxSnapshot? {
        let writer = SnapshotStatusWriter(
            client: client,
            recorder: recorder,
            provider: providers.standard.name,
            now: now
        )
        let told = try await writer.tell(stage, of: snapshot.ownRequest, in: snapshot)
        if let told { versions.note(told) }
        return told
    }

    // MARK: - Those of pauses

    /// Lets the snapshot of a pause go when its sandbox needs it no more. Upstream's controller puts its finalizer into all.
    private func letGo(_ snapshot: SandboxSnapshot) async throws -> Reconciliation {
        guard snapshot.metadata.deletionTimestamp != nil, SandboxSnapshotState.finalizer.isIn(snapshot) else {
            return .done
        }
        if let sandbox = sandboxes.find(snapshot.sandbox), let request = snapshot.request,
            snapshot.metadata.ownerReferences.contains(where: { $0.uid == sandbox.metadata.uid }),
            try MachineState.storedRecord(in: sandbox)?.needsCapture(request.uid) == true
        {
            return .done
        }
        let snapshots = client.resource(SandboxSnapshot.self, in: .named(snapshot.metadata.namespace ?? "default"))
        _ = try await SandboxSnapshotState.finalizer.remove(from: snapshot, snapshots)
        return .done
    }
}

extension SandboxSnapshot {
    /// The name under which what is done for it stands in logs: that of the request in which it was asked for, else its own UID.
    var requestID: RequestID? {
        RequestID(nearest: metadata.annotations[OpenSandbox.Annotation.requestID] ?? metadata.uid ?? metadata.name)
    }
}
