// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import KubeClient
import KubeModels
import Logging
import NIOCore
import SandboxModels
public import SnapshotProvider

/// Speaking with the holder of a freeze, and doing its work when it is gone.
extension JobSnapshotProvider {
    /// How long a holder has to answer. It answers in milliseconds; who does not is asked again.
    private static let answerTime = Duration.seconds(10)

    /// Asks the holder for the point of no return. If the holder has died, the record on the node says whether it was reached.
    public func seal(_ request: SnapshotRequest) async -> Step<Sealed> {
        let thawed = SnapshotFailure(
            "FreezeLost",
            "The sandbox was thawed before its release: its deadline had passed."
        )
        switch await ask("seal", of: request) {
        case .told(.sealed), .told(.killed): return .done(Sealed())
        case .told(.thawed), .told(nil): return .failed(thawed)
        case .told(.unknown), .told(.freezing), .told(.held):
            return .waiting(SnapshotProgress("Sealing"), wakeOn: [.after(NodeJobs.pause)])
        case .silent(let reasons): return .waiting(SnapshotProgress("Sealing"), wakeOn: reasons)
        case .lost:
            return await recover(.unpause, request).map { outcome in
                outcome == .sealed ? .done(Sealed()) : .failed(thawed)
            }
        }
    }

    /// Has the holder kill all processes while they are frozen.
    public func release(_ request: SnapshotRequest) async -> Step<Released> {
        switch await ask("kill", of: request) {
        case .told(.killed): return .done(Released())
        case .told(.sealed), .told(.freezing), .told(.held):
            return .waiting(SnapshotProgress("Releasing"), wakeOn: [.after(NodeJobs.pause)])
        case .silent(let reasons): return .waiting(SnapshotProgress("Releasing"), wakeOn: reasons)
        case .lost, .told(.thawed), .told(.unknown), .told(nil):
            // Where its containers are gone, so are its processes.
            if await isSourceGone(request) == true { return .done(Released()) }
            return await recover(.release, request).map { _ in .done(Released()) }
        }
    }

    /// Has the holder thaw, and ends the Job.
    public func abandon(_ request: SnapshotRequest) async -> Step<Abandoned> {
        guard await jobs.isSynced() else { return .waiting(SnapshotProgress("Thawing"), wakeOn: []) }
        guard let job = commitJob(of: request) else { return await abandonWithoutJob(request) }
        guard request.isHeld else { return await end(job, of: request) }
        switch await ask("thaw", of: request) {
        case .told(.sealed), .told(.killed):
            return .failed(SnapshotFailure("Sealed", "The freeze of \(request.uid) is sealed and is never thawed."))
        case .told(.thawed), .told(.unknown), .told(nil):
            return await jobs.remove([job]).map { _ in .done(Abandoned()) }
        case .told(.freezing), .told(.held):
            return .waiting(SnapshotProgress("Thawing"), wakeOn: [.after(NodeJobs.pause)])
        case .silent(let reasons):
            // One that has not started yet must not do so any more: its pod has to be gone.
            if case .starting = HolderSighting(jobs.pod(of: job), of: request.uid) {
                return await end(job, of: request)
            }
            return .waiting(SnapshotProgress("Thawing"), wakeOn: reasons)
        case .lost: return await recoverAndAbandon(request)
        }
    }

    // MARK: - Asking

    /// What comes of a question to the holder.
    private enum Answer {
        /// The state of the freeze. Nil if there never was one, nor will be.
        case told(FreezeAnswer.State?)
        /// Nobody can say now; ask again then.
        case silent([WakeReason])
        /// Nobody will say any more.
        case lost
    }

    private func ask(_ control: String, of request: SnapshotRequest) async -> Answer {
        guard await jobs.isSynced() else { return .silent([]) }
        let pod = commitJob(of: request).flatMap { job in jobs.pod(of: job) }
        switch HolderSighting(pod, of: request.uid) {
        case .starting: return .silent(request.objects)
        case .ended(let state): return .told(state)
        case .lost: return .lost
        case .running(let name):
            do {
                let command = [CommitterPod.program, "freeze", control, request.uid]
                let result = try await withTimeLimit(Self.answerTime) {
                    try await client.resource(Pod.self, in: .named(request.source.namespace))
                        .exec(in: name, command, container: CommitJob.ContainerName.hold)
                }
                if let answer = FreezeAnswer(String(buffer: result.output), of: request.uid) {
                    return .told(answer.state)
                }
                logger.warning(
                    "the holder of a freeze does not answer",
                    metadata: [
                        "pod": "\(name)", "question": "\(control)", "code": "\(result.exit.code)",
                        "error": "\(String(buffer: result.error).prefix(500))",
                    ]
                )
            } catch {
                logger.warning(
                    "the holder of a freeze cannot be asked",
                    metadata: ["pod": "\(name)", "question": "\(control)", "error": "\(error)"]
                )
            }
            return .silent([.after(NodeJobs.pause)])
        }
    }

    // MARK: - Ending

    /// Ends a Job whose holder is not to be asked, and waits until its pod is gone.
    private func end(_ job: Job, of request: SnapshotRequest) async -> Step<Abandoned> {
        let pod = jobs.pod(of: job)
        let commit = pod?.status?.containerStatuses.first { $0.name == CommitJob.ContainerName.commit }
        if let ended = commit?.state?.terminated {
            // A committer that says how it ended has thawed.
            guard ended.exitCode != 0, ended.message.flatMap({ CommitMessage($0) }) == nil else {
                return await jobs.remove([job]).map { _ in .done(Abandoned()) }
            }
            return await recoverAndAbandon(request)
        }
        // Nothing can be frozen, and a Job that thaws would lack its image, too.
        if pod?.waitsForImages == true { return await jobs.remove([job]).map { _ in .done(Abandoned()) } }
        return await jobs.remove([job]).map { _ in
            // The Job may never have had a pod; its deletion is seen then.
            pod == nil && job.metadata.deletionTimestamp != nil
                ? .done(Abandoned()) : .waiting(SnapshotProgress("Thawing"), wakeOn: request.objects)
        }
    }

    /// Nothing is known of a Job that should be there: it was deleted, or never made.
    private func abandonWithoutJob(_ request: SnapshotRequest) async -> Step<Abandoned> {
        guard let snapshot = request.snapshot else { return .done(Abandoned()) }
        // A pod that is still going away may be about to freeze, or to thaw.
        let left = jobs.pods(in: request.source.namespace).contains {
            $0.metadata.labels[OpenSandbox.Label.sandboxSnapshotName] == snapshot.labelValue
                && $0.metadata.ownerReferences.contains { $0.name == snapshot.commitJobName }
        }
        if left { return .waiting(SnapshotProgress("Thawing"), wakeOn: request.objects) }
        return await recoverAndAbandon(request)
    }

    private func recoverAndAbandon(_ request: SnapshotRequest) async -> Step<Abandoned> {
        if await isSourceGone(request) == true { return .done(Abandoned()) }
        return await recover(.unpause, request).map { outcome in
            guard outcome == .sealed else { return .done(Abandoned()) }
            return .failed(SnapshotFailure("Sealed", "The freeze of \(request.uid) is sealed and is never thawed."))
        }
    }

    /// Ends what somebody has left frozen who died before the deadline: nobody thaws then, however late it is.
    func endFreezeOfTheDead(_ request: SnapshotRequest) async -> Step<Abandoned> {
        guard await jobs.isSynced() else { return .waiting(SnapshotProgress("Thawing"), wakeOn: []) }
        // That of one that is being deleted was ended before.
        guard let job = commitJob(of: request), job.metadata.deletionTimestamp == nil,
            mayHaveLeftFrozen(jobs.pod(of: job), request)
        else { return .done(Abandoned()) }
        let step = await recoverAndAbandon(request)
        // What is sealed has been released, or its pod is gone.
        if case .failed(let failure) = step, failure.reason == "Sealed" { return .done(Abandoned()) }
        return step
    }

    private func mayHaveLeftFrozen(_ pod: Pod?, _ request: SnapshotRequest) -> Bool {
        if request.isHeld {
            if case .lost = HolderSighting(pod, of: request.uid) { return true }
            return false
        }
        let commit = pod?.status?.containerStatuses.first { $0.name == CommitJob.ContainerName.commit }
        guard let ended = commit?.state?.terminated else { return false }
        return ended.exitCode != 0 && ended.message.flatMap { CommitMessage($0) } == nil
    }

    // MARK: - Recovering

    /// What a recovery Job has found.
    private enum Recovered {
        case done, sealed
    }

    /// Has a Job do on the node what is to be done.
    private func recover(_ purpose: RecoveryJob.Purpose, _ request: SnapshotRequest) async -> Step<Recovered> {
        guard let snapshot = request.snapshot else { return .failed(.withoutSnapshot) }
        let job = RecoveryJob(purpose: purpose, request: request, snapshot: snapshot, settings: settings).job
        let problem: Problem
        switch await jobs.perform(job) {
        case .waiting(_, let reasons): return .waiting(SnapshotProgress("Recovering"), wakeOn: reasons)
        case .failed(let failure): problem = failure.problem
        case .done(let end):
            switch RecoveryOutcome(end) {
            case .done: return .done(.done)
            case .sealed: return .done(.sealed)
            case .failed(let found): problem = found
            }
        }
        logger.warning(
            "a recovery has failed and is tried again",
            metadata: ["job": "\(job.name)", "error": "\(problem)"]
        )
        return await jobs.remove(job).map { _ in
            .waiting(SnapshotProgress("Recovering"), wakeOn: [.after(NodeJobs.pause)])
        }
    }

    /// Whether the pod that was captured is gone, and its processes with it; nil if that cannot be said now.
    private func isSourceGone(_ request: SnapshotRequest) async -> Bool? {
        let sandboxes = client.resource(Pod.self, in: .named(request.source.namespace))
        do {
            return try await sandboxes.find(request.source.pod).map { $0.metadata.uid != request.source.podUID } ?? true
        } catch {
            return nil
        }
    }
}
