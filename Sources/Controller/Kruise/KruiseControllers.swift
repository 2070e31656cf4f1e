// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import KubeClient
import KubeModels
import KubeRuntime
import Logging
import Metrics
import SandboxModels

/// What is at work for the Kruise dialect: informers of its kinds, and a controller for each.
struct KruiseControllers: Sendable {
    let sandboxes: KruiseSandboxes
    private let controller: Controller<ObjectKey>
    /// What runs as long as the controllers work.
    private(set) var work: [@Sendable () async throws -> Void] = []

    init(_ parts: DialectParts, workers: Int) {
        let sandboxes = KruiseSandboxes(
            sandboxes: Informer(
                parts.client.resource(in: parts.namespaces),
                indexes: [.template, .owner, .claimOwner],
                metrics: parts.metrics,
                logger: parts.logger
            ),
            templates: Informer(
                parts.client.resource(in: parts.namespaces),
                indexes: [.owner],
                metrics: parts.metrics,
                logger: parts.logger
            )
        )
        self.sandboxes = sandboxes
        let reconciler = KruiseSandboxReconciler(
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
        controller = Controller(
            name: "kruisesandbox",
            workers: parts.settings.kruise.sandboxWorkers ?? workers,
            metrics: parts.metrics,
            logger: parts.logger
        ) {
            try await reconciler.reconcile($0)
        }
        .watching(sandboxes.sandboxes)
        .watchingOwned(parts.pods, by: KruiseSandbox.self)
        // Somebody else's of its name is in its way.
        .watching(parts.pods) { [store = sandboxes.sandboxes.store] change in
            store[change.object.key] == nil ? [] : [change.object.key]
        }
        .watching(sandboxes.templates) { [store = sandboxes.sandboxes.store] change in
            store.objects(.template, "\(change.object.key)").map(\.key)
        }
        .watchingOwned(parts.snapshots, by: KruiseSandbox.self)
        // Whose turn it is stands in the record of the sandbox.
        .watching(parts.snapshots) { $0.object.sandboxesInTurn(of: .kruise) }
        let retention = ImageRetention(
            sandboxes: sandboxes.sandboxes,
            client: parts.client,
            deletion: parts.deletion,
            settings: parts.settings,
            recorder: parts.recorder,
            logger: parts.logger
        )
        run(sandboxes.sandboxes)
        run(sandboxes.templates)
        run(controller)
        run(retention.controller(name: "kruiseretention", metrics: parts.metrics))
        let census = SandboxCensus(sandboxes.sandboxes, factory: parts.metrics)
        work.append { await census.run() }
        addRuntimes(parts)
        addCheckpoints(parts)
        addSets(parts)
    }

    /// Has a sandbox looked at, because the provider has news of one of its captures.
    func look(at sandbox: ObjectKey) { controller.queue.add(sandbox) }

    /// Has an informer run as long as the controllers work.
    mutating func run<Object>(_ informer: Informer<Object>) { work.append { try await informer.run() } }

    /// Has a controller run as long as the others do.
    mutating func run(_ controller: Controller<ObjectKey>) { work.append { try await controller.run() } }

    /// Has something else run as long as the controllers do.
    mutating func run(_ other: @escaping @Sendable () async throws -> Void) { work.append(other) }
}
