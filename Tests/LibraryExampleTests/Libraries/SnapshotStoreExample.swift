// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Logging
import OCIRegistry
import SandboxModels
import SnapshotStore

/// Compiled, and not run.
func exampleOfSnapshotStore(_ artifact: Artifact, logger: Logger) async throws {
    try await withRegistryClient(logger: logger) { client in
        let store = ArtifactStore(repositories: ImageRepositories(registries: client))
        try await store.verify(artifact)  // every manifest and every blob is there, as the store itself says
    }
}
