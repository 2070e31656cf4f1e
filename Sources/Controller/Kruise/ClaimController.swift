// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import KubeClient
import KubeModels
import KubeRuntime
import Logging
import Metrics
import SandboxModels

/// Has SandboxClaims looked at when they, their sandboxes or what these come from change.
struct SandboxClaimController: Sendable {
    private let controller: Controller<ObjectKey>
    /// Claims that are to be looked at because another one has let something go.
    private let wakes: AsyncStream<ObjectKey>

    /// - Parameters:
    ///   - claims: Has the index `source`.
    ///   - sandboxes: Has the indexes `owner` and `claimOwner`.
    init(
        _ client: KubeClient,
        claims: Informer<KruiseSandboxClaim>,
        sets: Informer<KruiseSandboxSet>,
        checkpoints: Informer<KruiseCheckpoint>,
        templates: Informer<KruiseSandboxTemplate>,
        sandboxes: Informer<KruiseSandbox>,
        recorder: EventRecorder,
        workers: Int = KruiseSettings().claimWorkers,
        metrics: (any MetricsFactory)?,
        logger: Logger
    ) {
        let expectations = Expectations<ObjectKey>(patience: .seconds(10))
        let reservations = ClaimReservations()
        let waiting = ClaimsWaiting()
        let (wakes, wake) = AsyncStream<ObjectKey>.makeStream()
        self.wakes = wakes
        let reconciler = SandboxClaimReconciler(
            claims: claims,
            sets: sets,
            checkpoints: checkpoints,
            templates: templates,
            sandboxes: sandboxes,
            client: client,
            recorder: recorder,
            reservations: reservations,
            waiting: waiting,
            expectations: expectations,
            look: { wake.yield($0) },
            metrics: ClaimMetrics(factory: metrics),
            logger: logger
        )
        controller = Controller(name: "sandboxclaim", workers: workers, metrics: metrics, logger: logger) { key in
            try await reconciler.reconcile(key)
        }
        .watching(claims)
        .watching(sandboxes) { change in
            reservations.observe(change)
            expectations.observe(change)
            return Self.claims(concernedBy: change, waiting)
        }
        .watching(sets) { Self.open(of: $0.key, claims) }
        .watching(checkpoints) { Self.open(of: $0.key, claims) }
        .watching(templates) { change in
            // A template of a set changes nothing for those who have waited for its sandboxes.
            change.object.controller(KruiseCheckpoint.self) == nil ? [] : Self.open(of: change.key, claims)
        }
    }

    /// Works until the task is cancelled. The informers must run meanwhile.
    ///
    /// - Throws: `CancellationError`.
    func run() async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await controller.run() }
            group.addTask { for await key in wakes { controller.queue.add(key) } }
            try await group.next()
            group.cancelAll()
        }
    }

    /// The claims that are not at their end and name something.
    private static func open(of source: ObjectKey, _ claims: Informer<KruiseSandboxClaim>) -> [ObjectKey] {
        claims.store.objects(.source, StoreIndex<KruiseSandboxSet>.key(of: source)).map(\.key)
    }

    /// The claim that has a sandbox, and those that wait for one like it.
    private static func claims(concernedBy change: Change<KruiseSandbox>, _ waiting: ClaimsWaiting) -> [ObjectKey] {
        let sandbox = change.object
        if let claim = sandbox.metadata.labels[Kruise.Label.claimName] {
            return [ObjectKey(namespace: sandbox.metadata.namespace, name: claim)]
        }
        guard let set = sandbox.controller(KruiseSandboxSet.self), sandbox.isReady else { return [] }
        if case .updated(let old, _) = change, old.isReady { return [] }
        return waiting.claims(of: set)
    }
}

extension StoreIndex<KruiseSandboxClaim> {
    /// By the set or the checkpoint that a claim which is not at its end names.
    static let source = StoreIndex("source") { claim in
        guard claim.status?.phase != .completed else { return [] }
        let key = ObjectKey(namespace: claim.metadata.namespace, name: claim.spec.templateName)
        return [StoreIndex<KruiseSandboxSet>.key(of: key)]
    }
}

extension StoreIndex<KruiseSandbox> {
    /// By the UID of the claim, or the API key, that has it.
    static let claimOwner = StoreIndex("claimOwner") { sandbox in
        [sandbox.metadata.annotations[Kruise.Annotation.owner]].compactMap(\.self)
    }
}
