// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import KubeClient
import KubeModels
import KubeRuntime
import SandboxModels
import TestSupport
import Testing

@testable import Controller

/// What becomes of a pod whose processes are all dead.
@Suite("A Sandbox of the Kruise dialect that is released")
struct KruiseReleaseTests {
    @Test("is released once, though the controller's cache goes on to show its pod", .timeLimit(.minutes(5)))
    func once() async throws {
        let provider = InstantProvider()
        try await KruiseCluster.run(provider: provider, isControlled: false) { kruise in
            let names = (1...3).map { "box-\($0)" }
            try await kruise.cluster.control(kruise.cluster.client) {
                for name in names { try await kruise.create(name) }
                for name in names { try await kruise.waitUntilReady(name) }
            }
            try await kruise.controlWithOldPods {
                for name in names { try await kruise.setPaused(true, of: name) }
                for name in names {
                    let paused = try await kruise.waitUntilPaused(name)
                    #expect(paused.status?.phase == .paused)
                    // What was said to be gone is.
                    #expect(try await kruise.cluster.pods.find(name) == nil)
                }
            }
            #expect(provider.releases.count == names.count)
            #expect(provider.releases.values.allSatisfy { $0 == 1 }, "\(provider.releases)")
            #expect(provider.mistakes.isEmpty)
        }
    }

    @Test("is not paused before its pod is gone, which somebody's finalizer may keep")
    func keptByFinalizer() async throws {
        let provider = InstantProvider()
        try await KruiseCluster.run(provider: provider) { kruise in
            try await kruise.create("box")
            try await kruise.waitUntilReady("box")
            let keep: JSONValue = ["metadata": ["finalizers": ["example.com/keep"]]]
            _ = try await kruise.cluster.pods.patch("box", .merge(MergePatch(keep)))
            try await kruise.setPaused(true, of: "box")
            _ = try await kruise.cluster.wait(in: kruise.cluster.pods, for: "box") { change in
                change.object.metadata.deletionTimestamp == nil ? nil : change.object
            }
            let releasing = try await kruise.wait(for: "box") {
                $0.status?.conditions["SandboxPaused"]?.reason == "CheckpointSucceeded"
            }
            #expect(releasing.status?.conditions.isTrue("SandboxPaused") == false)
            _ = try await kruise.cluster.pods.patch(
                "box",
                .merge(MergePatch(["metadata": ["finalizers": .null]]))
            )
            try await kruise.waitUntilPaused("box")
            #expect(try await kruise.cluster.pods.find("box") == nil)
        }
    }
}

extension KruiseCluster {
    /// Runs `body` while sandboxes are worked on with a cache of pods that shows the present and nothing of what comes.
    fileprivate func controlWithOldPods(_ body: @escaping @Sendable () async throws -> Void) async throws {
        let client = cluster.client
        let scope = NamespaceScope.named(cluster.namespace)
        let logger = ClaimCluster.logger
        let pods = Informer<Pod>(client.resource(in: scope), indexes: [.owner], logger: logger)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await pods.run() }
            try await pods.waitUntilSynced()
            group.cancelAll()
            // It ends as it was told to.
            while let end = await group.nextResult() { _ = end }
        }
        let sandboxes = Informer<KruiseSandbox>(client.resource(in: scope), indexes: [.template], logger: logger)
        let templates = Informer<KruiseSandboxTemplate>(client.resource(in: scope), logger: logger)
        let snapshots = Informer<SandboxSnapshot>(client.resource(in: scope), indexes: [.sandbox], logger: logger)
        let recorder = EventRecorder(sandboxes: client, instance: "test", logger: logger)
        var settings = SandboxControllerSettings()
        settings.registry = cluster.registry
        let reconciler = KruiseSandboxReconciler(
            sandboxes: KruiseSandboxes(sandboxes: sandboxes, templates: templates),
            pods: pods,
            snapshots: snapshots,
            client: client,
            providers: SnapshotProviders(cluster.provider),
            settings: settings,
            recorder: recorder,
            metrics: SandboxMetrics(factory: cluster.metrics),
            logger: logger
        )
        let controller = Controller(name: "old", workers: 2, metrics: cluster.metrics, logger: logger) {
            try await reconciler.reconcile($0)
        }
        .watching(sandboxes)
        .watching(templates) { _ in [] }
        .watchingOwned(snapshots, by: KruiseSandbox.self)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await sandboxes.run() }
            group.addTask { try await templates.run() }
            group.addTask { try await snapshots.run() }
            group.addTask { try await recorder.run() }
            group.addTask { try await controller.run() }
            group.addTask { try await body() }
            // The others go on for ever.
            try await group.next()
            group.cancelAll()
        }
    }
}
