// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import KubeClient
import KubeModels
import KubeRuntime
import Logging
import Metrics
import SandboxModels
import Synchronization

/// By what pools are chosen: the key `profiles` of the ConfigMap `pool-assign-profiles` in the controller's own namespace, which may
/// change at any time and need not be there.
final class AssignmentProfiles: Sendable {
    static let name = "pool-assign-profiles"
    private static let key = "profiles"
    private static let longestPause = 30

    private let resource: ResourceClient<ConfigMap>
    private let informer: Informer<ConfigMap>
    private let recorder: EventRecorder
    private let logger: Logger
    private let state = Mutex((profile: PoolAssignmentProfile.standard, problems: [String]()))

    init(
        _ client: KubeClient,
        in namespace: String?,
        recorder: EventRecorder,
        metrics: (any MetricsFactory)?,
        logger: Logger
    ) {
        resource = client.resource(in: namespace.map { .named($0) } ?? .default)
        informer = Informer(resource, ListOptions(fields: .name(Self.name)), metrics: metrics, logger: logger)
        self.recorder = recorder
        self.logger = logger
    }

    /// The present one.
    var profile: PoolAssignmentProfile { state.withLock(\.profile) }

    /// Reads it once, so that no pool is chosen by another one at the start. Where it may not be read there is none.
    ///
    /// - Throws: `CancellationError`.
    func load() async throws {
        var pause = 1
        while true {
            do {
                take(try await resource.find(Self.name))
                return
            } catch let error as KubeError {
                try Task.checkCancellation()
                let isFinal = error.kind == .forbidden
                logger.warning(
                    "the profiles of pool assignment cannot be read\(isFinal ? ": the built-in one is used" : "")",
                    metadata: ["error": "\(error)"]
                )
                if isFinal { return }
                try await Task.sleep(for: .seconds(pause))
                pause = min(pause * 2, Self.longestPause)
            }
        }
    }

    /// Follows it.
    ///
    /// - Parameter changed: Called when it is another one.
    /// - Throws: `CancellationError`.
    func follow(_ changed: @escaping @Sendable () -> Void) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { [informer] in try await informer.run() }
            group.addTask { [self] in
                for await change in informer.changes {
                    var present: ConfigMap?
                    if case .deleted = change {} else { present = change.object }
                    if take(present) { changed() }
                }
            }
            try await group.next()
            group.cancelAll()
        }
    }

    /// - Returns: Whether another profile has come of it.
    @discardableResult
    private func take(_ configMap: ConfigMap?) -> Bool {
        let (profile, problems) = PoolAssignmentProfile.reading(configMap?.data[Self.key])
        let (isOther, news) = state.withLock { state in
            defer { state = (profile, problems) }
            return (state.profile != profile, state.problems == problems ? [] : problems)
        }
        if let configMap {
            for problem in news {
                logger.warning("pool assignment: \(problem)", metadata: ["configMap": "\(configMap.key)"])
                recorder.record(.warning, about: configMap, reason: "InvalidProfiles", problem)
            }
        }
        return isOther
    }
}
