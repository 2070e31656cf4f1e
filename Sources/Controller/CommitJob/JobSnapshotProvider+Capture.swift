// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

public import SandboxModels
public import SnapshotProvider

import struct Foundation.Date

/// Beginning a capture, following it, and removing what is left of it.
extension JobSnapshotProvider {
    /// Makes the Job, or tells how far it is.
    public func capture(_ request: SnapshotRequest) async -> Step<Artifact> {
        guard let snapshot = request.snapshot else { return .failed(.withoutSnapshot) }
        let job = CommitJob(request: request, snapshot: snapshot, settings: settings).job(now: Date())
        let told = await jobs.outcome(of: job)
        if told.lacksRoom, let step = await waitForRoom(job, request) { return step }
        let outcome = CommitJobOutcome(
            told,
            of: job.name,
            for: request,
            provider: name,
            platform: "linux/\(Self.architecture)"
        )
        switch outcome {
        case .none:
            // Whatever comes of a new one is seen when it is looked at again.
            return await jobs.perform(job).map { _ in
                .waiting(SnapshotProgress("Starting"), wakeOn: request.objects)
            }
        case .active(let stage): return .waiting(SnapshotProgress(stage), wakeOn: request.objects)
        case .succeeded(let artifact): return .done(artifact)
        case .failed(let problem): return .failed(SnapshotFailure(problem.reason, problem.message))
        }
    }

    /// That of the controller: nodes of another one are not told apart yet.
    private static var architecture: String {
        #if arch(arm64)
        "arm64"
        #else
        "amd64"
        #endif
    }

    /// Deletes the Jobs of a capture, when nothing can be frozen by it any more.
    public func forget(_ request: SnapshotRequest) async -> Step<Forgotten> {
        switch await endFreezeOfTheDead(request) {
        case .waiting(let progress, let reasons): return .waiting(progress, wakeOn: reasons)
        case .failed(let failure): return .failed(failure)
        case .done: break
        }
        return await jobs.remove([CommitJob.task] + RecoveryJob.Purpose.allCases.map(\.rawValue), of: request)
    }
}

extension SnapshotRequest {
    /// What tells that a capture has come further.
    var objects: [WakeReason] {
        guard let snapshot else { return [] }
        return [.object(kind: "Job", namespace: source.namespace, name: snapshot.commitJobName)]
    }
}

extension SnapshotFailure {
    /// A request that names no `SandboxSnapshot`.
    static let withoutSnapshot = SnapshotFailure(
        "SnapshotMissing",
        "A capture by a Job needs a SandboxSnapshot that owns the Job."
    )
}
