// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import KubeClient
import KubeModels
import KubeRuntime
import SandboxModels

/// Starts the containers of a pod again.
struct RestartRecycling: Sendable {
    let client: KubeClient

    func step(_ pod: Pod, of sandbox: ObjectKey, in pool: Pool) async throws -> RecycleStep {
        .delete(reason: "it cannot be restarted")
    }
}
