// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import KubeModels
import SandboxModels

extension AgentSandbox: MachineObject {
    static var dialect: SandboxDialect { .agentSandbox }
    static var cleanupFinalizer: String { AgentSandboxes.cleanupFinalizer }

    var wantedReplicas: Int { 1 }

    var snapshotOrigin: SnapshotOrigin? {
        .with {
            $0.apiVersion = Self.resourceType.apiVersion
            $0.kind = Self.resourceType.kind
            $0.name = metadata.name
        }
    }
}
