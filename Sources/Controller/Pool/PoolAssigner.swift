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

/// Gives BatchSandboxes a pool that have left the choice to the controller: `spec.poolRef` becomes its name, in one write, and
/// nothing else of them is touched. An edit of the owner's meanwhile goes before it.
///
/// While none fits, the sandbox waits, and its owner is told why. A new or changed pool wakes those that wait in its namespace.
struct PoolAssigner: Sendable {
    private static let workers = 16
    private static let condition = BatchSandboxCondition.poolAllocationPending.rawValue
    private static let reason = "FailedPoolAssign"

    private let sandboxes: Informer<BatchSandbox>
    private let pools: Informer<Pool>
    private let client: KubeClient
    private let profiles: AssignmentProfiles
    private let recorder: EventRecorder
    private let logger: Logger
    private let metrics: (any MetricsFactory)?
    private let waiting = WaitingSandboxes()
    private let promises = PoolPromises()
    private let schema = Schema()
    private let now: @Sendable () -> Date

    /// Whether the API server takes the condition: upstream's older schema refuses a status with it.
    private final class Schema: Sendable {
        let takesCondition = Mutex(true)
    }

    /// - Parameters:
    ///   - sandboxes: Whose pools are chosen.
    ///   - pools: What there is to choose from.
    ///   - ownNamespace: Where the ConfigMap with the profiles is; nil for the client's namespace.
    init(
        sandboxes: Informer<BatchSandbox>,
        pools: Informer<Pool>,
        client: KubeClient,
        ownNamespace: String?,
        recorder: EventRecorder,
        metrics: (any MetricsFactory)? = nil,
        now: @escaping @Sendable () -> Date = { Date() },
        logger: Logger
    ) {
        self.sandboxes = sandboxes
        self.pools = pools
        self.client = client
        self.recorder = recorder
        self.metrics = metrics
        self.now = now
        self.logger = logger
        profiles = AssignmentProfiles(client, in: ownNamespace, recorder: recorder, metrics: metrics, logger: logger)
    }

    /// Works until the task is cancelled. The informers must run meanwhile.
    ///
    /// - Throws: `CancellationError`.
    func run() async throws {
        try await profiles.load()
        let controller = Controller(name: "assign", workers: Self.workers, metrics: metrics, logger: logger) { key in
            try await reconcile(key)
        }
        .watching(sandboxes) { change in
            promises.note(change)
            // Most sandboxes wait for no pool, and never have.
            let isOurs = change.object.awaitsPool || change.old?.awaitsPool == true || Self.isTold(change.object)
            return isOurs ? [change.key] : []
        }
        .watching(pools) { change in
            Self.isReason(change) ? waiting.keys(in: change.object.metadata.namespace) : []
        }
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await controller.run() }
            group.addTask {
                try await profiles.follow {
                    for key in waiting.keys() { controller.queue.add(key) }
                }
            }
            try await group.next()
            group.cancelAll()
        }
    }

    /// Whether a pool may fit now that did not before. Its status changes with every pod.
    private static func isReason(_ change: Change<Pool>) -> Bool {
        switch change {
        case .added: true
        case .deleted: false
        case .updated(let old, let new):
            old.spec != new.spec || old.metadata.labels != new.metadata.labels
                || (old.status?.allocated ?? 0) > (new.status?.allocated ?? 0)
        }
    }

    /// Chooses a pool for one sandbox.
    ///
    /// - Throws: What the API server did not do; the sandbox is looked at again later.
    func reconcile(_ key: ObjectKey) async throws -> Reconciliation {
        guard let sandbox = sandboxes.store[key], sandbox.awaitsPool else {
            waiting.forget(key)
            if let sandbox = sandboxes.store[key], sandbox.metadata.deletionTimestamp == nil, Self.isTold(sandbox) {
                // Its owner has chosen.
                _ = try await tell(nil, of: sandbox)
            }
            return .done
        }
        waiting.note(key)
        let found = pools.store.objects.filter { $0.metadata.namespace == sandbox.metadata.namespace }
        let answer: PoolAssignment
        do {
            answer = try promises.choose(for: sandbox, among: found) { promised throws(JSONError) in
                try PoolAssignment.choose(for: sandbox, among: found, profiles.profile, promised: promised)
            }
        } catch {
            try await refuse(sandbox, because: "Its spec.template is no template of pods: \(error).")
            return .done
        }
        switch answer {
        case .none(let refusals): try await refuse(sandbox, because: Self.explanation(refusals))
        case .pool(let name):
            do {
                if try await assign(name, to: sandbox) { return .done }
            } catch {
                promises.takeBack(key)
                throw error
            }
            promises.takeBack(key)
        }
        return .done
    }

    /// - Returns: Whether that is written down. Else the sandbox has changed, and its watch tells of that.
    private func assign(_ pool: String, to sandbox: BatchSandbox) async throws -> Bool {
        // Whoever takes the sandbox over finds nothing of this one's.
        guard let cleared = try await tell(nil, of: sandbox),
            try await write(MergePatch(["spec": ["poolRef": .string(pool)]]), to: cleared) != nil
        else { return false }
        waiting.forget(sandbox.key)
        logger.debug("assigned a pool", metadata: ["sandbox": "\(sandbox.key)", "pool": "\(pool)"])
        return true
    }

    /// Whether its owner was told that no pool fits.
    private static func isTold(_ sandbox: BatchSandbox) -> Bool {
        sandbox.status?.conditions[condition]?.reason == reason
    }

    /// Tells the owner, once, why the sandbox has no pool.
    private func refuse(_ sandbox: BatchSandbox, because message: String) async throws {
        _ = try await tell(message, of: sandbox)
        guard waiting.tell(message, of: sandbox.key) else { return }
        recorder.record(.warning, about: sandbox, reason: Self.reason, message)
    }

    /// Has the condition say something, or be gone.
    ///
    /// - Returns: The sandbox as it is then; nil if somebody else has changed it meanwhile.
    private func tell(_ message: String?, of sandbox: BatchSandbox) async throws -> BatchSandbox? {
        guard schema.takesCondition.withLock({ $0 }), sandbox.status?.conditions[Self.condition]?.message != message
        else {
            return sandbox
        }
        var told = sandbox
        var status = sandbox.status ?? BatchSandboxStatus()
        status.conditions[Self.condition] = message.map { message in
            .with {
                $0.type = Self.condition
                $0.status = "True"
                $0.reason = Self.reason
                $0.message = message
                $0.lastTransitionTime = Timestamp(now())
            }
        }
        told.status = status
        do {
            return try await write(try MergePatch(from: sandbox, to: told), to: sandbox, subresource: .status)
        } catch let error as KubeError where error.kind == .invalid {
            schema.takesCondition.withLock { $0 = false }
            logger.info("the API server takes no condition \(Self.condition)", metadata: ["error": "\(error)"])
            return sandbox
        }
    }

    /// - Returns: The sandbox as it is then; nil if somebody else has changed it meanwhile, or it is gone. Its watch tells of that.
    private func write(
        _ change: MergePatch,
        to sandbox: BatchSandbox,
        subresource: Subresource? = nil
    ) async throws -> BatchSandbox? {
        let change = change.requiring(resourceVersion: sandbox.metadata.resourceVersion ?? "")
        do {
            return try await client.resource(BatchSandbox.self, in: .named(sandbox.metadata.namespace ?? "default"))
                .patch(sandbox.metadata.name, .merge(change), subresource: subresource)
        } catch let error as KubeError where error.isConflict || error.isNotFound {
            return nil
        }
    }

    /// An Event has 1024 bytes, so of many pools the first ones are told.
    static func explanation(_ refusals: [PoolRefusal]) -> String {
        let limit = 900
        guard !refusals.isEmpty else { return "There is no Pool in its namespace: create one." }
        var text = "No Pool of its namespace fits."
        for (place, refusal) in refusals.enumerated() {
            let sentence = " \(refusal)."
            guard text.utf8.count + sentence.utf8.count <= limit else {
                return text + " \(refusals.count - place) more do not fit either."
            }
            text += sentence
        }
        return text
    }
}

extension Change {
    /// The state before, if it is known.
    fileprivate var old: Object? {
        if case .updated(let old, _) = self { return old }
        return nil
    }
}
