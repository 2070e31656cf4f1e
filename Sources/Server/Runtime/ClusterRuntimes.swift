// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import ClusterRuntime
import ServiceLifecycle
import Synchronization

/// The runtimes of one cluster: one for each namespace that tenants have, made when it is first asked for. A namespace that no
/// tenant has any more is watched until the server ends.
final class ClusterRuntimes: Service {
    private let make: @Sendable (String) -> ClusterRuntime
    private let defaultNamespace: String
    private let made = Mutex<[String: ClusterRuntime]>([:])
    private let arrivals: AsyncStream<ClusterRuntime>
    private let arrive: AsyncStream<ClusterRuntime>.Continuation

    /// Creates none yet.
    ///
    /// - Parameters:
    ///   - defaultNamespace: The one of a tenant that names none.
    ///   - make: Makes the one of a namespace.
    init(defaultNamespace: String, _ make: @escaping @Sendable (String) -> ClusterRuntime) {
        self.defaultNamespace = defaultNamespace
        self.make = make
        (arrivals, arrive) = AsyncStream.makeStream()
    }

    /// The one of a namespace; nil for the default.
    func runtime(of namespace: String?) -> ClusterRuntime {
        let namespace = namespace ?? defaultNamespace
        return made.withLock { made in
            if let runtime = made[namespace] { return runtime }
            let runtime = make(namespace)
            made[namespace] = runtime
            arrive.yield(runtime)
            return runtime
        }
    }

    /// Runs each of them, also those that are made meanwhile, until the task is cancelled or the service is asked to shut down.
    func run() async throws {
        try await withThrowingDiscardingTaskGroup { group in
            for await runtime in arrivals.cancelOnGracefulShutdown() {
                group.addTask { try await runtime.run() }
            }
        }
    }
}

extension ClusterRuntimes: CustomStringConvertible {
    /// What they are.
    var description: String { "runtimes of the cluster's namespaces" }
}
