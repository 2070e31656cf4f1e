// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import KubeClient
import KubeModels
import KubeRuntime
import SandboxModels
import SnapshotProvider

/// Finds the Sandboxes of the AgentSandbox dialect, in whichever version.
struct AgentSandboxFinder: Sendable {
    /// As the cache has one.
    let find: @Sendable (ObjectKey) -> (any MachineObject)?
    /// As the API server has one.
    let findNow: @Sendable (ObjectKey) async throws -> (any MachineObject)?
    /// What a snapshot is taken of; nil if the sandbox is gone.
    let subject: @Sendable (ObjectKey) -> SnapshotSubject?
}

/// What is at work for the AgentSandbox dialect: an informer of its Sandboxes in one version, and what looks at them.
struct AgentSandboxControllers: Sendable {
    let finder: AgentSandboxFinder
    /// What runs as long as the controllers work.
    let work: [@Sendable () async throws -> Void]
    private let queue: WorkQueue<ObjectKey>
    private let watch: @Sendable (Controller<ObjectKey>, @escaping Keys) -> Controller<ObjectKey>

    /// What belongs to a sandbox.
    typealias Keys = @Sendable (SandboxReference) -> [ObjectKey]

    init(_ parts: DialectParts, workers: Int) {
        switch parts.settings.agentSandboxVersion {
        case .v1beta1: self.init(AgentSandboxV1Beta1.self, parts, workers: workers)
        case .v1alpha1: self.init(AgentSandboxV1Alpha1.self, parts, workers: workers)
        }
    }

    private init<Version: AgentSandboxVersion>(_ version: Version.Type, _ parts: DialectParts, workers: Int) {
        typealias Sandbox = AgentSandbox<Version>
        let sandboxes = Informer<Sandbox>(
            parts.client.resource(in: parts.namespaces),
            indexes: [.origin()],
            metrics: parts.metrics,
            logger: parts.logger
        )
        let reconciler = AgentSandboxReconciler<Version>(
            sandboxes: sandboxes,
            pods: parts.pods,
            snapshots: parts.snapshots,
            client: parts.client,
            providers: parts.providers,
            settings: parts.settings,
            recorder: parts.recorder,
            metrics: SandboxMetrics(factory: parts.metrics),
            logger: parts.logger
        )
        let controller = Controller<ObjectKey>(
            name: "agentsandbox",
            workers: workers,
            metrics: parts.metrics,
            logger: parts.logger
        ) {
            try await reconciler.reconcile($0)
        }
        .watching(sandboxes)
        .watchingOwned(parts.pods, by: Sandbox.self)
        .watchingOwned(parts.snapshots, by: Sandbox.self)
        // Whose turn it is stands in the record of the sandbox.
        .watching(parts.snapshots) { $0.object.sandboxesInTurn(of: .agentSandbox) }
        .watching(parts.snapshots) { [store = sandboxes.store] change in
            store.objects(.origin(), "\(change.object.key)").map(\.key)
        }
        let retention = ImageRetention(
            sandboxes: sandboxes,
            client: parts.client,
            deletion: parts.deletion,
            settings: parts.settings,
            recorder: parts.recorder,
            logger: parts.logger
        ).controller(name: "agentretention", metrics: parts.metrics)
        queue = controller.queue
        let census = SandboxCensus(sandboxes, factory: parts.metrics)
        work = [
            { try await sandboxes.run() }, { try await controller.run() }, { try await retention.run() },
            { await census.run() },
        ]
        finder = AgentSandboxFinder(
            find: { sandboxes.store[$0] },
            findNow: { key in
                try await parts.client.resource(Sandbox.self, in: .named(key.namespace ?? "default")).find(key.name)
            },
            subject: { key in sandboxes.store[key].map { reconciler.subject(0, of: $0) } }
        )
        watch = { other, keys in other.watching(sandboxes) { keys($0.object.reference) } }
    }

    /// Has a sandbox looked at, because the provider has news of one of its captures.
    func look(at sandbox: ObjectKey) { queue.add(sandbox) }

    /// Has another controller look at what belongs to a sandbox when that changes.
    func watched(
        by other: Controller<ObjectKey>,
        _ keys: @escaping Keys
    ) -> Controller<ObjectKey> {
        watch(other, keys)
    }
}
