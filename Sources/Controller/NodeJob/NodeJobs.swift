// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

public import KubeClient
import KubeModels
public import KubeRuntime
public import Logging
import SandboxModels
public import SnapshotProvider

import struct Foundation.Date

/// Runs Jobs on nodes and follows them: what a provider is made of that captures where a sandbox runs.
///
/// It keeps nothing in memory but a cache. ``follow(_:)`` keeps that up to date and says whose turn it is; every other function
/// waits until that has seen all Jobs once: one that is not in the cache yet would be taken for lost.
public struct NodeJobs: Sendable {
    /// When something is tried again that the API server has not done.
    static let pause = Duration.seconds(1)

    private let client: KubeClient
    private let jobs: Informer<Job>
    private let pods: Informer<Pod>
    private let logger: Logger

    /// Creates a runner.
    ///
    /// - Parameters:
    ///   - client: The cluster.
    ///   - namespaces: Where sandboxes are.
    ///   - logger: Where remarks go.
    public init(_ client: KubeClient, in namespaces: NamespaceScope = .all, logger: Logger) {
        self.client = client
        self.logger = logger
        // A label of ours is well formed.
        let isOurs = try? LabelRequirement(OpenSandbox.Label.sandboxSnapshotName, .exists)
        let ours = ListOptions(labels: isOurs.map { LabelQuery([$0]) })
        jobs = Informer(client.resource(in: namespaces), ours, logger: logger)
        pods = Informer(client.resource(in: namespaces), ours, indexes: [.owner, .namespace], logger: logger)
    }

    /// Follows Jobs and their pods until the task is cancelled: the `work` of ``SnapshotProviders``.
    ///
    /// - Parameter look: Called with a sandbox when something has happened to a Job of one of its captures. It must not take long.
    /// - Throws: `CancellationError`.
    public func follow(_ look: @escaping @Sendable (ObjectKey) -> Void) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await jobs.run() }
            group.addTask { try await pods.run() }
            group.addTask {
                for await change in jobs.changes {
                    if let sandbox = change.object.sandbox { look(sandbox) }
                }
            }
            group.addTask {
                for await change in pods.changes {
                    // Also of one that has outlived its Job.
                    if let sandbox = change.object.sandbox { look(sandbox) }
                }
            }
            try await group.next()
            group.cancelAll()
        }
    }

    // MARK: - Jobs

    /// Begins a Job, or tells how far it is. Safe to call again and again: the same Job is made once.
    ///
    /// - Parameters:
    ///   - job: What is to be done. A Job with its name that is for another capture is deleted first.
    ///   - container: The container that is waited for; nil for the first one. The Job's other containers may go on.
    /// - Returns: How that container has ended, whatever its exit code. Failed with the reasons `JobRefused` (by the API server),
    ///   `JobStuck` (its container will never start) and `JobFailed` (Kubernetes has given it up); such a Job stays what it is
    ///   until it is removed.
    public func perform(_ job: NodeJob, awaiting container: String? = nil) async -> Step<NodeJobEnd> {
        let progress = SnapshotProgress("Starting")
        let wake = Self.wake(on: job)
        let outcome = await outcome(of: job, awaiting: container)
        switch outcome {
        case .none:
            guard await isSynced() else { return .waiting(progress, wakeOn: []) }
            // An earlier capture's is over, or it would not have come to this one.
            guard let earlier = found(job.name, in: job.namespace) else { return await create(job) }
            return await remove([earlier]).map { _ in .waiting(progress, wakeOn: wake) }
        case .starting: return .waiting(progress, wakeOn: wake)
        case .running: return .waiting(SnapshotProgress("Running"), wakeOn: wake)
        case .ended(let end): return .done(end)
        case .stuck(let reason, let message):
            return .failed(
                SnapshotFailure(
                    "JobStuck",
                    "The pod of the Job \(job.name) does not start (\(reason)): \(message ?? "no message is given"). Look at its "
                        + "image and at its events."
                )
            )
        case .failed(let reason, let message):
            return .failed(
                SnapshotFailure(
                    "JobFailed",
                    "The Job \(job.name) has failed (\(reason ?? "no reason is given")): \(message ?? "look at its pod"). Try "
                        + "again."
                )
            )
        }
    }

    /// As ``perform(_:awaiting:)``, but the Job is removed as soon as its end was seen: called again, it is done anew.
    ///
    /// For questions to which the answer may be another one later, such as whether something is still there.
    public func performAnew(_ job: NodeJob) async -> Step<NodeJobEnd> {
        let step = await perform(job)
        if case .waiting = step { return step }
        return await remove(job).map { _ in step }
    }

    /// Has a Job done until it ends well: one that does not is removed and, a second later, done anew.
    ///
    /// - Returns: What its first container has left in its termination log.
    public func complete(_ job: NodeJob) async -> Step<String> {
        let failure: String
        switch await perform(job) {
        case .done(let end) where end.exitCode == 0: return .done(end.message ?? "")
        case .done(let end): failure = "exit code \(end.exitCode): \(end.message ?? "no message")"
        case .waiting(let progress, let reasons): return .waiting(progress, wakeOn: reasons)
        case .failed(let found): failure = found.description
        }
        logger.warning("a Job has failed and is done anew", metadata: ["job": "\(job.name)", "error": "\(failure)"])
        return await remove(job).map { _ in .waiting(SnapshotProgress("Repeating"), wakeOn: [.after(Self.pause)]) }
    }

    /// Does a Job anew, in the place of one of its name that is over. The cache shows the old one for a moment: safe to call again.
    func redo(_ job: NodeJob) async -> Step<NodeJobEnd> {
        switch await remove(job) {
        case .done: await create(job)
        case .waiting(let progress, let reasons): .waiting(progress, wakeOn: reasons)
        case .failed(let failure): .failed(failure)
        }
    }

    /// How far a Job is; `none` as well if the caches were not filled before the task was cancelled.
    public func outcome(of job: NodeJob, awaiting container: String? = nil) async -> NodeJobOutcome {
        guard await isSynced() else { return .none }
        let found = found(job.name, in: job.namespace)
        return NodeJobOutcome(
            job: found,
            pod: found.flatMap { pod(of: $0) },
            container: container ?? job.pod.containers.first?.name ?? "",
            captureUID: job.request?.uid,
            now: Date()
        )
    }

    /// Deletes Jobs of a capture and, after them, their pods. Those of the same names that are for another one stay.
    ///
    /// - Parameters:
    ///   - tasks: What the Jobs do: the words that they were created with.
    ///   - request: The capture.
    public func remove(_ tasks: [String], of request: SnapshotRequest) async -> Step<Forgotten> {
        guard let snapshot = request.snapshot else { return .done(Forgotten()) }
        guard await isSynced() else { return .waiting(SnapshotProgress("Ending"), wakeOn: []) }
        return await remove(tasks.compactMap { found(snapshot.jobName($0), of: request) })
    }

    /// Deletes a Job and, after it, its pod, so that it is done anew when it is performed again.
    public func remove(_ job: NodeJob) async -> Step<Forgotten> {
        guard await isSynced() else { return .waiting(SnapshotProgress("Ending"), wakeOn: []) }
        return await remove([found(job.name, in: job.namespace)].compactMap(\.self))
    }

    private func create(_ job: NodeJob) async -> Step<NodeJobEnd> {
        let progress = SnapshotProgress("Starting")
        do {
            _ = try await client.resource(Job.self, in: .named(job.namespace)).create(job.manifest)
        } catch let error as KubeError where error.isAlreadyExists {
            // The cache will show whose it is.
        } catch let error as KubeError where [.invalid, .forbidden].contains(error.kind) {
            return .failed(SnapshotFailure("JobRefused", "The Job \(job.name) cannot be made: \(error)"))
        } catch {
            return .waiting(progress, wakeOn: [.after(Self.pause)])
        }
        return .waiting(progress, wakeOn: Self.wake(on: job))
    }

    /// Nobody knows whose turn it is when a Job that is for no capture comes further.
    private static func wake(on job: NodeJob) -> [WakeReason] {
        job.request == nil
            ? [.after(pause)] : [.object(kind: "Job", namespace: job.namespace, name: job.name)]
    }

    func remove(_ jobs: [Job]) async -> Step<Forgotten> {
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
        return .done(Forgotten())
    }

    // MARK: - What is seen

    /// Returns when what is seen is as new as the caller.
    ///
    /// - Returns: Whether it is so. If not, the task was cancelled.
    func isSynced() async -> Bool {
        do {
            try await jobs.waitUntilSynced()
            try await pods.waitUntilSynced()
            return true
        } catch {
            return false
        }
    }

    /// A Job, by name.
    func found(_ name: String, in namespace: String) -> Job? { jobs.store[namespace, name] }

    /// A Job of a capture, by name; nil if there is none, or if it is of another capture.
    func found(_ name: String, of request: SnapshotRequest) -> Job? {
        guard let job = found(name, in: request.source.namespace), job.request?.uid == request.uid else { return nil }
        return job
    }

    /// The pod of a Job, if it is there. One that is going away comes last.
    func pod(of job: Job) -> Pod? {
        guard let uid = job.metadata.uid else { return nil }
        let found = pods.store.objects(.owner, uid)
        return found.first { $0.metadata.deletionTimestamp == nil } ?? found.first
    }

    /// The pods of Jobs in a namespace, whether their Job is there or not.
    func pods(in namespace: String) -> [Pod] { pods.store.objects(.namespace, namespace) }
}

extension KubeObject {
    /// Whose capture a Job, or a pod of one, is for.
    fileprivate var sandbox: ObjectKey? {
        request.map { ObjectKey(namespace: $0.source.namespace, name: $0.source.sandbox) }
    }
}
