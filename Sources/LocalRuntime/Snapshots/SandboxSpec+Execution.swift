// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import SandboxModels
import SnapshotProvider

extension SandboxSpec {
    /// How its container is run, as far as an image of it may tell.
    func execution(environment detail: EnvironmentDetail) -> ContainerExecution {
        var execution = ContainerExecution()
        execution.command = entrypoint.isEmpty ? nil : entrypoint
        execution.environmentNames = environment.keys.sorted()
        if detail == .values { execution.environment = environment }
        execution.limits = resourceLimits
        execution.mounts = volumes.map(\.mountPath).sorted()
        return execution
    }
}
