// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import KubeClient
import KubeModels
import KubeRuntime
import Logging
import SandboxModels
import TestSupport

/// Pods that no kubelet runs, for what would take too long with containers: whether they are ready is only said of them.
extension SandboxCluster {
    /// A scheduler that there is none of.
    static let noScheduler = "nobody"

    /// Creates a pool whose pods stand only in the API server.
    func createPaperPool(
        _ name: String,
        buffer: ClosedRange<Int> = 0...0,
        pool: ClosedRange<Int> = 0...100,
        recycling: RecycleType? = nil
    ) async throws {
        try await createPool(name, buffer: buffer, pool: pool, recycling: recycling) {
            let template: JSONValue = [
                "spec": [
                    "schedulerName": .string(Self.noScheduler), "automountServiceAccountToken": false,
                    "containers": [["name": "main", "image": "none"]],
                ]
            ]
            $0.spec.template = RawJSON(template)
        }
    }

    /// Says of all pods that nobody schedules that they are ready, while `body` runs.
    func whilePodsAreReady(_ body: @escaping @Sendable () async throws -> Void) async throws {
        let informer = Informer(pods, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await informer.run() }
            group.addTask {
                for await change in informer.changes {
                    if case .deleted = change { continue }
                    let pod = change.object
                    guard pod.status?.phase != "Running", pod.metadata.deletionTimestamp == nil else { continue }
                    try await sayReady(pod.metadata.name)
                }
            }
            group.addTask { try await body() }
            try await group.next()
            group.cancelAll()
        }
    }

    private func sayReady(_ name: String) async throws {
        let status: JSONValue = [
            "status": [
                "phase": "Running", "podIP": "10.0.0.1",
                "conditions": [["type": "Ready", "status": "True"]],
                "containerStatuses": [
                    [
                        "name": "main", "ready": true, "restartCount": 0, "image": "none", "imageID": "",
                        "containerID": "containerd://none", "state": ["running": ["startedAt": "2026-01-01T00:00:00Z"]],
                    ]
                ],
            ]
        ]
        do {
            _ = try await pods.patch(name, .merge(MergePatch(status)), subresource: .status)
        } catch let error as KubeError where error.isNotFound {
            return
        }
    }
}
