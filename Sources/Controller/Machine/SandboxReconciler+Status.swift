// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import KubeClient
import KubeModels
import KubeRuntime
import SandboxModels

import struct Foundation.Date

extension SandboxReconciler {
    /// Writes a status. Nobody else writes it, so it need not be bound to a state of the object.
    ///
    /// - Returns: The object as it is now; as it was if it is gone.
    func writeStatus(_ told: Sandbox, insteadOf sandbox: Sandbox) async throws -> Sandbox {
        let change = try MergePatch(from: sandbox, to: told)
        do {
            return try await resource(of: sandbox).patch(sandbox.metadata.name, .merge(change), subresource: .status)
        } catch let error as KubeError where error.isNotFound {
            return sandbox
        }
    }

    /// How far a pause is, if that is to be told of the sandbox now; of its snapshots it is told then. Not every word of a provider's
    /// is.
    ///
    /// - Parameter told: What was told last.
    func newProgress(
        _ decision: AggregateDecision,
        _ told: CaptureProgress?,
        _ sightings: inout CaptureSightings,
        of sandbox: Sandbox
    ) async throws -> CaptureProgress? {
        guard decision.record.phase == .pausing,
            let progress = CaptureProgress(of: decision.record.replicas.map(\.recorded.identity), sightings),
            progress != told, sandbox.metadata.deletionTimestamp == nil,
            // Their watch tells when they are there.
            decision.record.replicas.allSatisfy({ pauseSnapshot(of: sandbox, at: $0.index) != nil })
        else {
            if decision.record.phase != .pausing { pace.forget(sandbox.key) }
            return nil
        }
        let delay = pace.delay(progress, of: sandbox.key, at: now())
        guard delay <= 0 else {
            sightings.wake(after: .seconds(delay))
            return nil
        }
        guard try await reportPauseSnapshots(decision.record, sightings.progress, of: sandbox) else { return nil }
        return progress
    }

    /// When to look again if nothing happens.
    ///
    /// - Parameter dates: When something is due.
    func next(_ dates: [Date?], _ sightings: CaptureSightings) -> Reconciliation {
        let wake = dates.compactMap(\.self).min().map { Duration.seconds(max(0, $0.timeIntervalSince(now()))) }
        guard let delay = [wake, sightings.wakeAfter].compactMap(\.self).min() else { return .done }
        return .requeue(after: delay)
    }
}
