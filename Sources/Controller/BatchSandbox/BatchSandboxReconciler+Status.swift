// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import KubeClient
import KubeModels
import KubeRuntime
import SandboxModels

extension BatchSandboxReconciler {
    /// Tells what was decided, in the status.
    func report(
        _ decision: AggregateDecision,
        _ state: BatchSandboxState,
        _ places: PodPlaces,
        of sandbox: inout BatchSandbox
    ) async throws {
        var status = sandbox.status ?? BatchSandboxStatus()
        let pods = pods(at: places, of: sandbox)
        let missing = shortages.missing(sandbox.key)
        let notice = SandboxNotice(decision.record, places, of: sandbox, missing: missing)
        // Nothing is told before there is anything: as upstream does it.
        guard sandbox.status != nil || !pods.isEmpty || decision.record.phase != .pending || notice != nil else {
            return
        }
        status.observedGeneration = sandbox.metadata.generation
        if state.isAcknowledged { status.pauseObservedGeneration = state.intent.generation }
        status.replicas = pods.count
        status.allocated = pods.count { $0.spec.nodeName != nil || $0.status?.podIP != nil }
        status.ready = pods.count { $0.isReady }
        status.tell(decision.record.phase, decision.conditions, isBaseline: true, now: Timestamp(now()))
        if let notice { tell(notice, in: &status, of: sandbox) }
        if status.phase != .pausing { status.progress = nil }
        status.artifact = decision.record.replicas.first?.recorded.artifact.flatMap { ArtifactSummary($0) }
        guard status != sandbox.status else { return }
        sandbox = try await writeStatus(sandbox.with(status), insteadOf: sandbox)
    }

    /// Tells the owner of a sandbox of which nothing is there yet that it wants more replicas than could be written down. Nothing of
    /// it is begun.
    ///
    /// - Returns: Whether that is so.
    func refuseIfTooLarge(_ sandbox: BatchSandbox) async throws -> Bool {
        guard sandbox.isTooLarge, sandbox.metadata.annotations[OpenSandbox.Annotation.record] == nil,
            sandbox.metadata.deletionTimestamp == nil
        else { return false }
        try await report(SandboxNotice(tooLarge: sandbox, has: 0), of: sandbox)
        return true
    }

    /// Tells of something that keeps the sandbox from going on, and nothing else.
    func report(_ notice: SandboxNotice, of sandbox: BatchSandbox) async throws {
        var status = sandbox.status ?? BatchSandboxStatus()
        status.observedGeneration = sandbox.metadata.generation
        status.phase = status.phase ?? .pending
        tell(notice, in: &status, of: sandbox)
        guard status != sandbox.status else { return }
        _ = try await writeStatus(sandbox.with(status), insteadOf: sandbox)
    }

    /// Tells how far a pause is, in the status of the sandbox and of its snapshots, but not at every word of a provider's.
    func reportProgress(
        _ decision: AggregateDecision,
        _ sightings: inout CaptureSightings,
        of sandbox: BatchSandbox
    ) async throws {
        guard let progress = try await newProgress(decision, sandbox.status?.progress, &sightings, of: sandbox) else {
            return
        }
        var status = sandbox.status ?? BatchSandboxStatus()
        status.progress = progress
        _ = try await writeStatus(sandbox.with(status), insteadOf: sandbox)
    }
}

extension BatchSandbox {
    fileprivate func with(_ status: BatchSandboxStatus) -> BatchSandbox {
        var sandbox = self
        sandbox.status = status
        return sandbox
    }
}

extension Pod {
    /// Whether it can be used, as upstream counts it.
    fileprivate var isReady: Bool {
        metadata.deletionTimestamp == nil && status?.phase == "Running" && status?.conditions.isTrue("Ready") == true
    }
}
