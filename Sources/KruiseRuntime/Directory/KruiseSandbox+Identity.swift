// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import ClusterView
import KubeModels
package import SandboxModels

extension KruiseSandbox: SandboxObject {
    /// What clients call the sandbox: its label, or its namespace and its name.
    package var sandboxID: String {
        if let id = metadata.labels[Kruise.Label.sandboxID], !id.isEmpty { return id }
        return "\(metadata.namespace ?? "")--\(metadata.name)"
    }

    /// What it says, for those who ask for the sandbox.
    package var sandbox: Sandbox { Sandbox(self) }

    /// Whether it is no set's any more.
    package var isTaken: Bool { !isInSet }
}
