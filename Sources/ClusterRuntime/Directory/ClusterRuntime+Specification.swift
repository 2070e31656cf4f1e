// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import ClusterView
import KubeModels
public import SandboxModels

/// What sandboxes were asked for with, for others that are to be like them.
extension ClusterRuntime {
    /// What a sandbox was asked for with, as far as its pod's template tells: variables with values, and limits.
    ///
    /// - Throws: `SandboxError` with `notFound` or `runtimeUnavailable`.
    public func specification(of id: String) async throws -> SandboxSpec {
        let entry = try await entry(id)
        var spec = entry.sandbox.spec
        guard let container = entry.object.mainContainer else { return spec }
        for variable in container.env where !Self.ownVariables.contains(variable.name) {
            spec.environment[variable.name] = variable.value
        }
        spec.resourceLimits = container.resources?.limits.mapValues(\.description) ?? [:]
        return spec
    }

    /// Variables that this runtime adds, each for one sandbox only.
    private static let ownVariables: Set<String> = [
        "EXECD", "EXECD_INIT", "OPENSANDBOX_ID", "OPENSANDBOX_LIFECYCLE", EgressSidecar.transparentProxy,
    ]
}
