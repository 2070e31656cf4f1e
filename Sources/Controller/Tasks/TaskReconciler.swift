// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import KubeClient
import KubeModels
import KubeRuntime
import Logging
import Metrics
import SandboxModels

import struct Foundation.Date

/// Runs the tasks of BatchSandboxes: asks the executors in their pods, decides which task is on which pod, and tells them.
///
/// The executors' protocol has no watch, so they are asked again as long as something of a task can still change. What is wanted
/// follows from the object alone: none of its tasks is to run while it is being paused, is paused, or is being deleted.
struct TaskReconciler: Sendable {
    let sandboxes: Informer<BatchSandbox>
    let pods: Informer<Pod>
    let client: KubeClient
    let executors: TaskExecutors
    let stopped: StoppedTasks
    let recorder: EventRecorder
    let memory = TaskMemory()
    var now: @Sendable () -> Date = { Date() }
    /// Has the reconciler of BatchSandboxes look at one.
    let look: @Sendable (ObjectKey) -> Void

    static let finalizer = Finalizer(OpenSandbox.Finalizer.taskCleanup)

    /// Whether a sandbox is of any interest here.
    static func concerns(_ sandbox: BatchSandbox) -> Bool {
        sandbox.spec.taskTemplate != nil || finalizer.isIn(sandbox)
    }

    /// What calls this when it has to be.
    func controller(workers: Int, metrics: (any MetricsFactory)?, logger: Logger) -> Controller<ObjectKey> {
        Controller(name: "tasks", workers: workers, metrics: metrics, logger: logger) { key in
            try await reconcile(key)
        }
        .watching(sandboxes) { change in
            switch change {
            case .added(let sandbox, _): Self.concerns(sandbox) ? [sandbox.key] : []
            case .updated(let old, let new): Self.isNews(new, after: old) ? [new.key] : []
            case .deleted(let sandbox, _): Self.concerns(sandbox) ? [sandbox.key] : []
            }
        }
        .watching(pods) { [store = sandboxes.store] change in
            // A pool gives pods away that run already: the annotation that gives one is what tells.
            guard let key = change.object.controller(BatchSandbox.self),
                let sandbox = store[key], Self.concerns(sandbox)
            else { return [] }
            return [key]
        }
    }

    /// Whether a change may be one of what is wanted, or of which pods there are. Counts are written often, and by this one.
    private static func isNews(_ new: BatchSandbox, after old: BatchSandbox) -> Bool {
        guard concerns(old) || concerns(new) else { return false }
        return old.spec != new.spec || old.metadata.annotations != new.metadata.annotations
            || old.metadata.finalizers != new.metadata.finalizers
            || old.metadata.deletionTimestamp != new.metadata.deletionTimestamp
            || old.metadata.uid != new.metadata.uid || (old.status == nil) != (new.status == nil)
    }

    /// Brings the tasks of one sandbox nearer to what is wanted of them.
    ///
    /// - Throws: What the API server did not do; the sandbox is looked at again later.
    func reconcile(_ key: ObjectKey) async throws -> Reconciliation {
        guard var sandbox = sandboxes.store[key], Self.concerns(sandbox) else {
            forget(key)
            return .done
        }
        if sandbox.metadata.deletionTimestamp == nil, sandbox.spec.taskTemplate != nil {
            // Before anything runs that would be left behind.
            guard let finalized = try await Self.finalizer.add(to: sandbox, resource(of: sandbox)) else { return .done }
            sandbox = finalized
        } else if !Self.finalizer.isIn(sandbox) {
            forget(key)
            return .done
        }
        let aim = try TaskAim(of: sandbox)
        // A frozen executor answers nobody.
        if aim.isFrozen || (aim.waitsForCapture && stopped.areStopped(key, for: aim.captures)) { return .done }
        if case .run = aim.wish { stopped.forget(key) }
        let found: TaskPods
        do {
            found = try TaskPods(of: sandbox, in: pods.store)
        } catch {
            // The reconciler of the sandbox tells of it. When the annotation has changed, this is looked at again.
            throw TerminalError(error)
        }
        // A resume runs all of them again, also those whose pods were given back.
        if aim.isPaused { memory.forget(key) }
        var entry = memory.entry(of: sandbox, afterPause: aim.isPaused)
        let before = entry.schedule.outline
        try await work(on: found, aim, of: sandbox, &entry)
        entry.idleLooks = entry.schedule.outline == before ? entry.idleLooks + 1 : 0
        if !aim.isPaused { memory.keep(entry, of: key) }
        // Who has changed the object meanwhile has perhaps changed nothing that this is called for.
        guard try await report(entry, of: sandbox) else { return .requeue(after: .milliseconds(100)) }
        return try await conclude(entry, aim, found, of: sandbox)
    }

    private func forget(_ key: ObjectKey) {
        memory.forget(key)
        stopped.forget(key)
    }

    /// Asks, decides, and tells.
    private func work(
        on found: TaskPods,
        _ aim: TaskAim,
        of sandbox: BatchSandbox,
        _ entry: inout TaskMemory.Entry
    ) async throws {
        entry.problem = nil
        let asked = try await answers(of: found.pods) { pod in
            guard let address = found.addresses[pod.uid] else { return .notAsked }
            return .tasks(try await executors.tasks(at: address))
        }
        var (orders, failures) = entry.schedule.step(asked.pods, wish: aim.wish, count: aim.count, now: now())
        var tasks: [Int: ExecutorTask] = [:]
        for case let index? in orders.map(\.task) {
            do {
                tasks[index] = try sandbox.task(at: index)
            } catch {
                entry.problem = refuse("InvalidTask", "\(error)", of: sandbox)
                orders.removeAll { $0.task == index }
            }
        }
        if !orders.isEmpty {
            let wanted = tasks
            let byPod = Dictionary(orders.map { ($0.pod.uid, $0) }) { first, _ in first }
            let told = try await answers(of: asked.pods) { pod in
                guard let order = byPod[pod.uid], let address = found.addresses[pod.uid] else { return pod.answer }
                let list = order.task.flatMap { wanted[$0] }.map { [$0] } ?? []
                return .tasks(try await executors.set(list, at: address))
            }
            for refusal in told.refusals { entry.problem = refuse("TaskRefused", refusal, of: sandbox) }
            // What it would have done next, it does at the next look.
            let (_, more) = entry.schedule.step(told.pods, wish: aim.wish, count: aim.count, now: now())
            failures += more
        }
        tell(failures, of: sandbox, &entry)
    }

    /// Asks the executors of some pods, not too many at a time.
    ///
    /// - Returns: The pods with their answers, and what executors have refused.
    /// - Throws: `CancellationError`.
    private func answers(
        of pods: [TaskPod],
        _ ask: @escaping @Sendable (TaskPod) async throws -> TaskPod.Answer
    ) async throws -> (pods: [TaskPod], refusals: [String]) {
        try await withThrowingTaskGroup(of: (TaskPod, String?).self) { group in
            var waiting = pods.makeIterator()
            let next = { (group: inout ThrowingTaskGroup<(TaskPod, String?), any Error>) in
                guard var pod = waiting.next() else { return }
                group.addTask {
                    do {
                        pod.answer = try await ask(pod)
                        return (pod, nil)
                    } catch let refusal as TaskExecutors.Refusal {
                        // It has said what it has; what it was told now changes nothing.
                        if pod.answer == .notAsked { pod.answer = .silent }
                        return (pod, "Pod \(pod.name): \(refusal)")
                    } catch {
                        try Task.checkCancellation()
                        pod.answer = .silent
                        return (pod, nil)
                    }
                }
            }
            for _ in 0..<TaskExecutors.width { next(&group) }
            var answered: [TaskPod] = []
            var refusals: [String] = []
            while let (pod, refusal) = try await group.next() {
                answered.append(pod)
                if let refusal { refusals.append(refusal) }
                next(&group)
            }
            return (answered, refusals)
        }
    }

    /// When to look again, if at all.
    private func conclude(
        _ entry: TaskMemory.Entry,
        _ aim: TaskAim,
        _ found: TaskPods,
        of sandbox: BatchSandbox
    ) async throws -> Reconciliation {
        let key = sandbox.key
        if aim.wish == .stop, entry.schedule.isStopped {
            if aim.waitsForCapture, stopped.note(key, for: aim.captures) { look(key) }
            if aim.isLast {
                _ = try await Self.finalizer.remove(from: sandbox, resource(of: sandbox))
                forget(key)
            }
            return .done
        }
        // Without pods there is nobody to ask; their watch, or that of the annotation, tells when there is.
        let isQuiet = found.pods.isEmpty && !found.isIncomplete
        guard !entry.schedule.isSettled(for: aim.wish), !isQuiet else { return .done }
        return .requeue(after: entry.delay(wish: aim.wish))
    }

    /// The sandboxes of one's namespace.
    func resource(of sandbox: BatchSandbox) -> ResourceClient<BatchSandbox> {
        client.resource(in: .named(sandbox.metadata.namespace ?? "default"))
    }
}
