// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import KubeClient
import KubeModels
import KubeRuntime
import Logging
import SandboxModels

/// Has the agents in sandboxes told what they have to know, as soon as each of their pods is ready, the first one and those of
/// resumes. What has come of it is in an annotation, from which the sandbox's own controller tells it in the condition
/// `RuntimeInitialized`.
struct RuntimeReconciler: Sendable {
    let sandboxes: KruiseSandboxes
    let pods: Informer<Pod>
    let client: KubeClient
    let agents: RuntimeAgents
    let recorder: EventRecorder

    /// After what time an agent that was not told is asked again.
    private static let pause = Duration.seconds(2)

    func reconcile(_ key: ObjectKey) async throws -> Reconciliation {
        guard let sandbox = sandboxes.sandboxes.store[key], sandbox.metadata.deletionTimestamp == nil,
            sandbox.status?.phase == .running, sandbox.spec.paused != true,
            let runtimes = try? sandboxes.specification(of: sandbox).get().runtimes,
            let request = sandbox.runtimeRequest(runtimes),
            case .own(let pod) = sandboxes.place(of: sandbox, in: pods.store), pod.isUp,
            let uid = pod.metadata.uid, let address = pod.status?.podIP, !address.isEmpty
        else { return .done }
        let stage = sandbox.runtimeStage(runtimes, podUID: uid)
        guard stage != .told else { return .done }
        var result = KruiseRuntimeInitialization()
        result.podUID = uid
        do {
            try await agents.tell(request, at: address)
        } catch let failure as RuntimeAgents.Failure {
            result.failure = failure.description
        }
        if let failure = result.failure {
            guard stage != .failed(failure) else { return .requeue(after: Self.pause) }
            recorder.record(.warning, about: sandbox, reason: "RuntimeInitFailed", failure)
        }
        try await write(result, to: sandbox)
        return result.failure == nil ? .done : .requeue(after: Self.pause)
    }

    /// Nobody else writes it.
    private func write(_ result: KruiseRuntimeInitialization, to sandbox: KruiseSandbox) async throws {
        let change: JSONValue = [
            "metadata": ["annotations": [KruiseRuntimeInitialization.annotation: .string(result.jsonText)]]
        ]
        let sandboxes = client.resource(KruiseSandbox.self, in: .named(sandbox.metadata.namespace ?? "default"))
        do {
            _ = try await sandboxes.patch(sandbox.metadata.name, .merge(MergePatch(change)))
        } catch let error as KubeError where error.isNotFound {
            return
        }
    }
}

extension Pod {
    /// Whether its agent can be asked.
    fileprivate var isUp: Bool {
        metadata.deletionTimestamp == nil && status?.phase == "Running" && status?.conditions.isTrue("Ready") == true
    }
}

extension KruiseControllers {
    /// Of how many sandboxes the agents are told at a time.
    private static let runtimeWorkers = 16

    /// Adds what tells the agents in sandboxes.
    mutating func addRuntimes(_ parts: DialectParts) {
        let agents = RuntimeAgents()
        let reconciler = RuntimeReconciler(
            sandboxes: sandboxes,
            pods: parts.pods,
            client: parts.client,
            agents: agents,
            recorder: parts.recorder
        )
        run { try await agents.run() }
        run(
            Controller(
                name: "kruiseruntime",
                workers: Self.runtimeWorkers,
                metrics: parts.metrics,
                logger: parts.logger
            ) {
                try await reconciler.reconcile($0)
            }
            .watching(sandboxes.sandboxes)
            .watchingOwned(parts.pods, by: KruiseSandbox.self)
            // Not before they are all known: they say whether there is an agent.
            .watching(sandboxes.templates) { _ in [] }
        )
    }
}
