// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import KubeClient
import KubeModels
import KubeRuntime
public import SandboxModels
public import SnapshotProvider

import struct Foundation.Date

/// Beginning a capture, following it, and removing what is left of it.
extension JobSnapshotProvider {
    /// Makes the Job, or tells how far it is.
    public func capture(_ request: SnapshotRequest) async -> Step<Artifact> {
        guard let snapshot = request.snapshot else { return .failed(.withoutSnapshot) }
        guard await isSynced() else { return .waiting(SnapshotProgress("Starting"), wakeOn: []) }
        guard let found = jobs.store[request.source.namespace, snapshot.commitJobName] else {
            return await begin(request, snapshot)
        }
        guard found.request?.uid == request.uid else {
            // An earlier capture's Job is in the way. It is over, or it would not have come to this one.
            return await deletion(of: [found]).map { _ in
                .waiting(SnapshotProgress("Starting"), wakeOn: request.objects)
            }
        }
        let outcome = CommitJobOutcome(
            job: found,
            pod: pod(of: found),
            of: request,
            provider: name,
            platform: "linux/\(Self.architecture)"
        )
        switch outcome {
        case .none: return .waiting(SnapshotProgress("Starting"), wakeOn: request.objects)
        case .active(let stage): return .waiting(SnapshotProgress(stage), wakeOn: request.objects)
        case .succeeded(let artifact): return .done(artifact)
        case .failed(let problem): return .failed(SnapshotFailure(problem.reason, problem.message))
        }
    }

    private func begin(_ request: SnapshotRequest, _ snapshot: SandboxSnapshot) async -> Step<Artifact> {
        let job = CommitJob(request: request, snapshot: snapshot, settings: settings).manifest(now: Date())
        do {
            _ = try await client.resource(Job.self, in: .named(request.source.namespace)).create(job)
        } catch let error as KubeError where error.isAlreadyExists {
            // The cache will show whose it is.
        } catch let error as KubeError where [.invalid, .forbidden].contains(error.kind) {
            return .failed(SnapshotFailure("CommitJobRefused", "The commit Job cannot be made: \(error)"))
        } catch {
            return .waiting(SnapshotProgress("Starting"), wakeOn: [.after(.seconds(1))])
        }
        return .waiting(SnapshotProgress("Starting"), wakeOn: request.objects)
    }

    /// That of the controller: nodes of another one are not told apart yet.
    private static var architecture: String {
        #if arch(arm64)
        "arm64"
        #else
        "amd64"
        #endif
    }

    /// Deletes the Jobs of a capture.
    public func forget(_ request: SnapshotRequest) async -> Step<Forgotten> {
        guard let snapshot = request.snapshot else { return .done(Forgotten()) }
        guard await isSynced() else { return .waiting(SnapshotProgress("Ending"), wakeOn: []) }
        let names = [snapshot.commitJobName, snapshot.unpauseJobName, snapshot.releaseJobName]
        return await deletion(of: names.compactMap { job($0, of: request) }).map { _ in .done(Forgotten()) }
    }

    /// Deletes Jobs and, after them, their pods.
    func deletion(of jobs: [Job]) async -> Step<Deleted> {
        for job in jobs where job.metadata.deletionTimestamp == nil {
            do {
                _ = try await client.resource(Job.self, in: .named(job.metadata.namespace ?? "default"))
                    .delete(job.metadata.name, DeleteOptions(uid: job.metadata.uid, propagation: .background))
            } catch let error as KubeError where error.isNotFound || error.isConflict {
                continue
            } catch {
                return .failed(
                    SnapshotFailure(
                        "JobNotDeleted",
                        "The Job \(job.metadata.name) cannot be deleted now: \(error)",
                        isRetryable: true
                    )
                )
            }
        }
        return .done(Deleted())
    }
}

extension SnapshotRequest {
    /// What tells that a capture has come further.
    var objects: [WakeReason] {
        guard let snapshot else { return [] }
        return [.object(kind: "Job", namespace: source.namespace, name: snapshot.commitJobName)]
    }
}

extension Step {
    /// The next step after one that is done; else what that one says.
    func map<Next>(_ next: (Value) -> Step<Next>) -> Step<Next> {
        switch self {
        case .done(let value): next(value)
        case .waiting(let progress, let reasons): .waiting(progress, wakeOn: reasons)
        case .failed(let failure): .failed(failure)
        }
    }
}

extension SnapshotFailure {
    /// A request that names no `SandboxSnapshot`.
    static let withoutSnapshot = SnapshotFailure(
        "SnapshotMissing",
        "A capture by a Job needs a SandboxSnapshot that owns the Job."
    )
}
