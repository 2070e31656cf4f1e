// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import KubeModels
import SandboxModels
import TestSupport
import Testing

@testable import Controller

@Suite("The schema that a cluster has")
struct SchemaCheckTests {
    @Test("the deployed definitions keep everything that is written; older ones do not")
    func pruned() throws {
        for kind in [BatchSandbox.resourceType, SandboxSnapshot.resourceType] {
            let deployed = try DeployedDefinition(kind.plural)
            #expect(SchemaCheck.pruned(of: kind, by: deployed.definition).isEmpty)
            #expect(!SchemaCheck.pruned(of: kind, by: try deployed.baseline().definition).isEmpty)
        }
        let baseline = try DeployedDefinition("batchsandboxes").baseline().definition
        #expect(
            SchemaCheck.pruned(of: BatchSandbox.resourceType, by: baseline) == ["status.artifact", "status.progress"]
        )
    }
}
