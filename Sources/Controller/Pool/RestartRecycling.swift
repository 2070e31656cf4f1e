// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import KubeClient
import KubeModels
import KubeRuntime
import Logging
import SandboxModels

import struct Foundation.Date

/// Recycles a pod by having its containers started again: a command ends them, and the kubelet starts them from their images. What
/// is in the pod's volumes stays.
///
/// That a restart was tried is written down in the pod before it is, and only if nobody has changed the pod since it was read. So
/// no release restarts a pod twice at a time, whoever else recycles it; a try that was cut off is made again after the interval.
struct RestartRecycling: Sendable {
    /// How long a command may take.
    private static let execLimit = Duration.seconds(10)

    let sandboxes: Informer<BatchSandbox>
    let client: KubeClient
    let logger: Logger
    var now: @Sendable () -> Date = { Date() }

    /// Does what is to be done now. It takes as long as the commands do, ten seconds at most, and may be called for several pods at
    /// a time.
    ///
    /// - Parameters:
    ///   - pod: The pod, as it was seen last.
    ///   - sandbox: Who gives it back.
    ///   - pool: Whose it is.
    /// - Throws: What the API server did not do. A command that fails is only logged: what counts is whether the containers are
    ///   other ones.
    func step(_ pod: Pod, of sandbox: ObjectKey, in pool: Pool) async throws -> RecycleStep {
        let config = RestartConfig(pool.metadata.annotations[OpenSandbox.Annotation.restartConfig])
        guard let uid = sandboxes.store[sandbox]?.metadata.uid else {
            // A record could be that of an earlier sandbox of the name.
            return .delete(reason: "the sandbox that had it is gone")
        }
        let release = PodRelease(sandbox: sandbox.name, uid: uid)
        switch RestartDecision(for: pod, in: release, config, now: now()) {
        case .done: return .done
        case .wait(let duration): return .waiting(after: duration)
        case .delete(let reason): return .delete(reason: reason)
        case .attempt(let record, let containers):
            guard try await write(record, of: release, to: pod) else { return .waiting(after: nil) }
            await restart(containers, of: pod, config)
            return .waiting(after: config.retryInterval)
        }
    }

    /// - Returns: Whether the pod is as it was; its watch tells if not.
    private func write(_ record: RestartRecord, of release: PodRelease, to pod: Pod) async throws -> Bool {
        let change = MergePatch(["metadata": ["annotations": pod.annotations(for: record, of: release)]])
            .requiring(resourceVersion: pod.metadata.resourceVersion ?? "")
        do {
            _ = try await pods(of: pod).patch(pod.metadata.name, .merge(change))
            return true
        } catch let error as KubeError where error.isConflict || error.isNotFound {
            return false
        }
    }

    private func restart(_ containers: [String], of pod: Pod, _ config: RestartConfig) async {
        await withTaskGroup(of: Void.self) { group in
            for container in containers {
                group.addTask { await run(config.restartCommand, in: container, of: pod) }
            }
        }
    }

    /// A command that ends its own container often has no answer.
    private func run(_ command: [String], in container: String, of pod: Pod) async {
        do {
            let exit = try await withTimeLimit(Self.execLimit) {
                try await pods(of: pod).exec(in: pod.metadata.name, command, container: container).exit
            }
            if exit.code != 0 { log("the command has failed", "exit code \(exit.code)", container, pod) }
        } catch {
            log("there was no answer to the command", "\(error)", container, pod)
        }
    }

    private func log(_ what: String, _ why: String, _ container: String, _ pod: Pod) {
        logger.info(
            "restarting a container: \(what)",
            metadata: ["pod": "\(pod.key)", "container": "\(container)", "error": "\(why)"]
        )
    }

    private func pods(of pod: Pod) -> ResourceClient<Pod> {
        client.resource(in: .named(pod.metadata.namespace ?? "default"))
    }
}
