// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

public import KubeClient
import KubeModels
import KubeRuntime
public import Logging
import SandboxModels
public import ServiceLifecycle

public import struct Foundation.Date

/// Sandboxes in a namespace of a Kubernetes cluster, as `BatchSandbox`es.
///
/// It keeps no state of its own: what there is, is in the API server, and what it remembers is a copy that watches keep up to
/// date. So any number of servers may run side by side, and each answers for every sandbox.
public struct ClusterRuntime: ServiceLifecycle.Service {
    let configuration: ClusterRuntimeConfiguration
    let sandboxes: ResourceClient<BatchSandbox>
    let snapshotObjects: ResourceClient<SandboxSnapshot>
    let poolObjects: ResourceClient<Pool>
    let client: KubeClient
    let directory = SandboxDirectory()
    let accesses = AccessLedger()
    let roster = DutyRoster()
    let now: @Sendable () -> Date
    let logger: Logger
    private let sandboxInformer: Informer<BatchSandbox>
    let snapshotInformer: Informer<SandboxSnapshot>

    /// How long a request waits for the first list of what there is.
    private static let startPatience: Duration = .seconds(10)

    /// Creates a runtime.
    ///
    /// - Parameters:
    ///   - client: Of the cluster; whoever made it ends it after `run`.
    ///   - now: The clock by which sandboxes expire.
    public init(
        _ configuration: ClusterRuntimeConfiguration,
        client: KubeClient,
        now: @escaping @Sendable () -> Date = { Date() },
        logger: Logger
    ) {
        self.configuration = configuration
        self.client = client
        self.now = now
        self.logger = logger
        let namespace = NamespaceScope.named(configuration.namespace)
        sandboxes = client.resource(BatchSandbox.self, in: namespace)
        snapshotObjects = client.resource(SandboxSnapshot.self, in: namespace)
        poolObjects = client.resource(Pool.self, in: namespace)
        sandboxInformer = Informer(sandboxes, logger: logger)
        snapshotInformer = Informer(
            snapshotObjects,
            indexes: [.snapshotID],
            logger: logger
        )
    }

    /// Watches until the task is cancelled or the service is asked to shut down. Sandboxes run on without it.
    public func run() async throws {
        do {
            try await cancelWhenGracefulShutdown {
                try await withThrowingDiscardingTaskGroup { group in
                    group.addTask { try await sandboxInformer.run() }
                    group.addTask { try await snapshotInformer.run() }
                    group.addTask { await follow() }
                    group.addTask { await attendToDuties() }
                }
            }
        } catch is CancellationError where Task.isShuttingDownGracefully {
            // That was asked for.
        }
    }

    /// Keeps the directory as the watch tells.
    private func follow() async {
        guard (try? await sandboxInformer.waitUntilSynced()) != nil else { return }
        // What goes from here on comes as a change.
        var changes = sandboxInformer.changes.makeAsyncIterator()
        for object in sandboxInformer.store.objects {
            directory.put(object)
            schedule(object.sandboxID)
        }
        directory.markSynced()
        while let change = await changes.next() {
            switch change {
            case .added(let object, _), .updated(_, let object): directory.put(object)
            case .deleted(let object, _):
                directory.remove(object)
                accesses.forget(object.sandboxID)
            }
            schedule(change.object.sandboxID)
        }
    }

    /// Returns when it is known what there is.
    ///
    /// - Throws: `runtimeUnavailable` if that takes long.
    func waitUntilSynced() async throws {
        if directory.isSynced { return }
        let patience = Self.startPatience
        let isSynced = await withTaskGroup(of: Bool.self) { group in
            group.addTask {
                guard (try? await snapshotInformer.waitUntilSynced()) != nil else { return false }
                return await directory.waitUntilSynced()
            }
            group.addTask {
                _ = try? await Task.sleep(for: patience)
                return false
            }
            defer { group.cancelAll() }
            return await group.next() ?? false
        }
        guard isSynced else {
            try Task.checkCancellation()
            let failure = sandboxInformer.failure
            throw SandboxError(
                .runtimeUnavailable,
                "The server has not learned yet which sandboxes there are, because the Kubernetes API does not answer.",
                cause: failure
            )
        }
    }

    /// What is known of a sandbox.
    ///
    /// - Throws: `notFound`; `runtimeUnavailable` if nothing is known yet.
    func entry(_ id: String) async throws -> SandboxDirectory.Entry {
        try await waitUntilSynced()
        guard let entry = directory[id] else { throw SandboxError.noSandbox(id) }
        return entry
    }
}

extension ClusterRuntime: CustomStringConvertible {
    /// Where its sandboxes are.
    public var description: String { "sandboxes in the namespace '\(configuration.namespace)'" }
}
