// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import ClusterView
import KubeModels
public import SandboxModels

extension ClusterRuntime {
    /// What a sandbox was asked for with, for others that are to be like it, as far as its pod's template tells.
    ///
    /// - Throws: `SandboxError` with `notFound` or `runtimeUnavailable`.
    public func specification(of id: String) async throws -> SandboxSpec {
        let entry = try await entry(id)
        return entry.sandbox.spec.completed(by: entry.object)
    }
}

extension SandboxSpec {
    /// The same with what lists leave out because it is in the pod's template: variables with values, and limits.
    func completed(by object: BatchSandbox) -> SandboxSpec {
        guard let container = object.mainContainer else { return self }
        var spec = self
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
