// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import ClusterRuntime
import KubeClient
import Logging
import SandboxModels

/// Compiled, and not run.
func exampleOfClusterRuntime(client: KubeClient, logger: Logger) async throws {
    let configuration = ClusterRuntimeConfiguration(namespace: "boxes", execdImage: "registry.example/execd:1")
    let runtime = ClusterRuntime(configuration, client: client, logger: logger)
    try await withThrowingTaskGroup(of: Void.self) { group in
        group.addTask { try await runtime.run() }
        for sandbox in try await runtime.sandboxes() {
            print(sandbox.id, sandbox.status.state)
        }
        group.cancelAll()
    }
}
