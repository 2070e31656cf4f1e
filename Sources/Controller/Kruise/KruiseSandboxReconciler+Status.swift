// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import KubeModels
import KubeRuntime
import SandboxModels
import SnapshotProvider

extension KruiseSandboxReconciler {
    /// Tells in the status what was decided, and what is seen.
    func report(_ state: MachineState, _ sightings: CaptureSightings, of sandbox: inout KruiseSandbox) async throws {
        var news = KruiseSandboxNews(state.record)
        let template = try? sandboxes.specification(of: sandbox).get()
        news.pod = place(0, of: sandbox).pod
        news.isPauseWaiting = state.intent.wantsPaused && !state.isAcknowledged
        news.endsPaused = sandbox.endsWithCheckpoint
        news.hibernates = (sandbox.spec.pauseStrategy ?? template?.pauseStrategy)?.type == .hibernate
        news.endsWithCheckpoint = sandbox.endsWithCheckpoint
        news.loss = verdict(on: sandbox) == .withoutMemory ? Self.memoryLoss(providers.standard) : nil
        news.runtime = sandbox.runtimeStage(
            template?.runtimes ?? sandbox.spec.runtimes,
            podUID: state.record.phase == .running ? news.pod?.metadata.uid : nil
        )
        news.obstacle = sightings.postponedPods.values.first
        let toldObstacle = sandbox.status?.toldObstacle
        // What was told stays until the next try.
        if news.obstacle == nil, news.pod == nil { news.obstacle = toldObstacle }
        var status = sandbox.status ?? KruiseSandboxStatus()
        // What was told before may have come back with a newer spec, of which nothing was decided yet.
        status.tell(news, generation: state.intent.generation, now: Timestamp(now()))
        if let template, news.pod != nil || status.updateRevision == nil {
            status.updateRevision = news.pod?.metadata.labels[Self.templateHash] ?? sandbox.revision(of: template)
        }
        if let obstacle = news.obstacle, obstacle != toldObstacle, obstacle.reason != "PodNotCreated" {
            recorder.record(.warning, about: sandbox, reason: obstacle.reason, obstacle.message)
        }
        guard status != sandbox.status else { return }
        var told = sandbox
        told.status = status
        sandbox = try await writeStatus(told, insteadOf: sandbox)
    }

    /// Tells how far a pause is, but not at every word of a provider's.
    func reportProgress(
        _ decision: AggregateDecision,
        _ sightings: inout CaptureSightings,
        of sandbox: KruiseSandbox
    ) async throws {
        guard let progress = try await newProgress(decision, sandbox.status?.progress, &sightings, of: sandbox) else {
            return
        }
        var told = sandbox
        told.status = told.status ?? KruiseSandboxStatus()
        told.status?.progress = progress
        _ = try await writeStatus(told, insteadOf: sandbox)
    }

    // MARK: - What a pause keeps

    /// Whether a pause keeps what it is to keep.
    private func verdict(on sandbox: KruiseSandbox) -> KruiseContentsVerdict {
        let contents = (try? sandboxes.specification(of: sandbox).get())?.persistentContents
        return KruiseContentsVerdict(
            contents ?? sandbox.spec.persistentContents,
            keepsMemory: providers.standard.capabilities.contents.contains(.memory)
        )
    }

    func check(
        _ capture: String,
        of sandbox: KruiseSandbox,
        by provider: any SnapshotProvider
    ) throws(SnapshotFailure) {
        guard verdict(on: sandbox) == .refused else { return }
        throw SnapshotFailure(
            "MemoryNotSupported",
            "spec.persistentContents asks for memory alone, which the provider \(provider.name) cannot keep, so nothing was frozen and "
                + "the sandbox runs on. Add filesystem to keep its files, or have a provider pause it that keeps memory."
        )
    }

    /// Warns of what a pause that begins does not keep.
    func tellOfLosses(from before: AggregateRecord, to after: AggregateRecord, of sandbox: KruiseSandbox) {
        guard before.phase != .pausing, after.phase == .pausing, verdict(on: sandbox) == .withoutMemory else { return }
        recorder.record(.warning, about: sandbox, reason: "MemoryNotKept", Self.memoryLoss(providers.standard))
    }

    private static func memoryLoss(_ provider: any SnapshotProvider) -> String {
        "Its memory is not kept, although spec.persistentContents asks for it: the provider \(provider.name) keeps files only, so its "
            + "processes start anew when it is resumed."
    }

    // MARK: - Events

    /// Under upstream's reasons, where it has some.
    func note(from before: AggregateRecord, to after: AggregateRecord) -> SandboxNote? {
        if before.phase != after.phase, after.phase == .deleting {
            return SandboxNote(
                severity: .normal,
                reason: "SandboxTerminating",
                message: "The sandbox is being deleted."
            )
        }
        guard var note = SandboxNote(from: before, to: after) else { return nil }
        note.message = note.message.replacing("Replica 0: ", with: "")
        switch note.reason {
        case "Pausing": note.reason = "CheckpointStarted"
        case "Verified": note.reason = "CheckpointSucceeded"
        case "PauseFailed": note.reason = "CheckpointFailed"
        case "ResumeFailed": break
        default: note.reason = "Sandbox\(note.reason)"
        }
        return note
    }
}

extension KruiseSandboxStatus {
    /// Why its pod could not be created when that was tried last, as it is told.
    fileprivate var toldObstacle: Problem? {
        guard let ready = conditions[KruiseSandboxCondition.ready.rawValue],
            ready.reason == KruiseSandboxCondition.Reason.podCreateFailed, phase == .pending || phase == .resuming,
            let reason = message?.prefix(while: { $0 != ":" })
        else { return nil }
        return Problem(String(reason), ready.message ?? "")
    }
}
