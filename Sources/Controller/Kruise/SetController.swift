// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import KubeClient
import KubeModels
import KubeRuntime
import Logging
import Metrics
import SandboxModels

/// Has SandboxSets looked at when they, their sandboxes or their templates change.
struct SandboxSetController: Sendable {
    private let controller: Controller<ObjectKey>

    /// - Parameters:
    ///   - sets: Has the index `templateRef`.
    ///   - sandboxes: Has the index `owner`.
    ///   - templates: Has the index `owner`.
    init(
        _ client: KubeClient,
        sets: Informer<KruiseSandboxSet>,
        sandboxes: Informer<KruiseSandbox>,
        templates: Informer<KruiseSandboxTemplate>,
        recorder: EventRecorder,
        workers: Int = KruiseSettings().setWorkers,
        metrics: (any MetricsFactory)?,
        logger: Logger
    ) {
        let expectations = Expectations<ObjectKey>()
        let reconciler = SandboxSetReconciler(
            sets: sets,
            sandboxes: sandboxes,
            templates: templates,
            client: client,
            recorder: recorder,
            expectations: expectations
        )
        controller = Controller(name: "sandboxset", workers: workers, metrics: metrics, logger: logger) { key in
            try await reconciler.reconcile(key)
        }
        .watching(sets)
        .watching(sandboxes) { change in
            expectations.observe(change)
            return change.controllers(KruiseSandboxSet.self)
        }
        .watching(templates) { change in
            expectations.observe(change)
            let named = sets.store.objects(.templateRef, StoreIndex<KruiseSandboxSet>.key(of: change.key))
            return change.controllers(KruiseSandboxSet.self) + named.map(\.key)
        }
    }

    /// Works until the task is cancelled. The informers must run meanwhile.
    ///
    /// - Throws: `CancellationError`.
    func run() async throws { try await controller.run() }
}

extension StoreIndex<KruiseSandboxSet> {
    /// By the template that a set names.
    static let templateRef = StoreIndex("templateRef") { set in
        set.spec.templateRef.map { [key(of: ObjectKey(namespace: set.metadata.namespace, name: $0.name))] } ?? []
    }

    static func key(of object: ObjectKey) -> String { "\(object.namespace ?? "")/\(object.name)" }
}

extension Change {
    /// Who controls the object, and who did before.
    func controllers<Owner: KubeResource>(_ type: Owner.Type) -> [ObjectKey] {
        var keys: [ObjectKey] = []
        if case .updated(let old, _) = self, let key = old.controller(type) { keys.append(key) }
        if let key = object.controller(type), !keys.contains(key) { keys.append(key) }
        return keys
    }
}
