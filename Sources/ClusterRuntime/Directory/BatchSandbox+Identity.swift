// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import ClusterView
import KubeModels
package import SandboxModels

extension BatchSandbox: SandboxObject {
    /// What it says, for those who ask for the sandbox.
    package var sandbox: Sandbox { Sandbox(self) }

    /// Nobody has one that only keeps a request from making one: a pool keeps pods.
    package var isTaken: Bool { metadata.annotations[OpenSandbox.Annotation.refusedRequest] == nil }

    /// What clients call the sandbox: its label, or the object's own name if somebody made it without the server.
    package var sandboxID: String {
        if let id = metadata.labels[OpenSandbox.Label.sandboxID], !id.isEmpty { return id }
        return metadata.name
    }

    /// What it was created from and with, if the server did that.
    var request: SandboxRequest? {
        // What somebody else has written there says nothing.
        metadata.annotations[OpenSandbox.Annotation.request].flatMap { try? SandboxRequest(json: $0) }
    }

    /// The address of the first pod; nil if it has none.
    var address: String? {
        guard let text = metadata.annotations[OpenSandbox.Annotation.endpoints],
            let first = try? EndpointsAnnotation(text).addresses.first, !first.isEmpty
        else { return nil }
        return first
    }
}
