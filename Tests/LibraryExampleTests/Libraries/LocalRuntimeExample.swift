// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import LocalRuntime
import Logging
import SandboxModels

/// Compiled, and not run.
func exampleOfLocalRuntime(logger: Logger) async throws {
    let configuration = try LocalRuntimeConfiguration(stateFolder: "/var/lib/stasis")
    let runtime = LocalRuntime(configuration: configuration, logger: logger)
    try await withThrowingTaskGroup(of: Void.self) { group in
        group.addTask { try await runtime.run() }
        let spec = SandboxSpec(image: "registry.example/box:1", entrypoint: ["sleep", "infinity"])
        let box = try await runtime.create(spec, credentials: nil, expiresAt: nil)
        try await runtime.pause(box.id)  // begins; `changes(of:)` tells how it goes on
        for await now in try await runtime.changes(of: box.id) where now.status.state == .paused { break }
        group.cancelAll()
    }
}
