// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import KubeClient
import KubeModels
import KubeRuntime
import Logging
import Metrics
import SandboxModels
import Synchronization

import struct Foundation.Date

/// Recycles a pod by having its containers started again: a command ends them, and the kubelet starts them from their images. What
/// is in the pod's volumes stays.
///
/// That a restart was tried is written down in the pod before it is, and only if nobody has changed the pod since it was read. So
/// no release restarts a pod twice at a time, whoever else recycles it; a try that was cut off is made again after the interval.
///
/// The pool does not wait for commands, and no pod is given away while one of its commands may still end a container.
struct RestartRecycling: Sendable {
    /// What is run in a container.
    private struct Command: Hashable {
        let pool: ObjectKey
        let pod: ObjectKey
        let container: String
        let words: [String]
    }

    /// The commands that have not ended.
    private final class Pending: Sendable {
        private let commands = Mutex<Set<Command>>([])

        func begin(_ command: Command) { commands.withLock { _ = $0.insert(command) } }
        func end(_ command: Command) { commands.withLock { _ = $0.remove(command) } }
        func has(_ pod: ObjectKey) -> Bool { commands.withLock { $0.contains { $0.pod == pod } } }
    }

    /// How long a command may take.
    private static let limit = Duration.seconds(10)
    private static let workers = 16

    private let client: KubeClient
    private let commands: Controller<Command>
    private let pending: Pending
    /// The pools whose commands have ended.
    private let ended: AsyncStream<ObjectKey>
    private let now: @Sendable () -> Date

    init(
        client: KubeClient,
        metrics: (any MetricsFactory)? = nil,
        now: @escaping @Sendable () -> Date = { Date() },
        logger: Logger
    ) {
        self.client = client
        self.now = now
        let pending = Pending()
        self.pending = pending
        let (ended, telling) = AsyncStream<ObjectKey>.makeStream()
        self.ended = ended
        commands = Controller(name: "restart", workers: Self.workers, metrics: metrics, logger: logger) { command in
            await Self.run(command, client, logger)
            pending.end(command)
            telling.yield(command.pool)
            return .done
        }
    }

    /// Runs commands until the task is cancelled. To be called once.
    ///
    /// - Parameter look: Has a pool looked at, one of whose commands has ended.
    /// - Throws: `CancellationError`.
    func run(_ look: @escaping @Sendable (ObjectKey) -> Void) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await commands.run() }
            group.addTask {
                for await pool in ended { look(pool) }
            }
            try await group.next()
            group.cancelAll()
        }
    }

    /// Does what is to be done now, and does not wait for commands: the pod tells what has come of them.
    ///
    /// - Parameters:
    ///   - pod: The pod, as it was seen last.
    ///   - release: Who gives it back.
    ///   - pool: Whose it is.
    /// - Throws: What the API server did not do.
    func step(_ pod: Pod, of release: PodRelease, in pool: Pool) async throws -> RecycleStep {
        guard !pending.has(pod.key) else { return .waiting(after: nil) }
        let config = RestartConfig(pool.metadata.annotations[OpenSandbox.Annotation.restartConfig])
        switch RestartDecision(for: pod, in: release, config, now: now()) {
        case .done: return .done
        case .wait(let duration): return .waiting(after: duration)
        case .delete(let reason): return .delete(reason: reason)
        case .attempt(let record, let containers):
            guard try await write(record, of: release, to: pod) else { return .waiting(after: nil) }
            for container in containers {
                let command = Command(pool: pool.key, pod: pod.key, container: container, words: config.restartCommand)
                pending.begin(command)
                commands.queue.add(command)
            }
            return .waiting(after: config.retryInterval)
        }
    }

    /// - Returns: Whether the pod is as it was; its watch tells if not.
    private func write(_ record: RestartRecord, of release: PodRelease, to pod: Pod) async throws -> Bool {
        let change = MergePatch(["metadata": ["annotations": pod.annotations(for: record, of: release)]])
            .requiring(resourceVersion: pod.metadata.resourceVersion ?? "")
        do {
            _ = try await client.resource(Pod.self, in: .named(pod.metadata.namespace ?? "default"))
                .patch(pod.metadata.name, .merge(change))
            return true
        } catch let error as KubeError where error.isConflict || error.isNotFound {
            return false
        }
    }

    /// What fails is only logged: what counts is whether the container becomes another one. A command that ends its own container
    /// often has no answer.
    private static func run(_ command: Command, _ client: KubeClient, _ logger: Logger) async {
        let fault: String
        do {
            let exit = try await withTimeLimit(limit) {
                try await client.resource(Pod.self, in: .named(command.pod.namespace ?? "default"))
                    .exec(in: command.pod.name, command.words, container: command.container).exit
            }
            guard exit.code != 0 else { return }
            fault = "exit code \(exit.code)"
        } catch {
            fault = "\(error)"
        }
        logger.info(
            "the command that restarts a container did not succeed",
            metadata: ["pod": "\(command.pod)", "container": "\(command.container)", "error": "\(fault)"]
        )
    }
}
