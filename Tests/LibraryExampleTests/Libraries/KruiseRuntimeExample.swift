// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import KruiseRuntime
import KubeClient
import Logging
import SandboxModels

/// Compiled, and not run.
func exampleOfKruiseRuntime(client: KubeClient, logger: Logger) async throws {
    let runtime = KruiseRuntime(KruiseRuntimeConfiguration(namespace: "boxes"), client: client, logger: logger)
    try await withThrowingTaskGroup(of: Void.self) { group in
        group.addTask { try await runtime.run() }
        for template in try await runtime.templates() {
            print(template.name)
        }
        group.cancelAll()
    }
}
