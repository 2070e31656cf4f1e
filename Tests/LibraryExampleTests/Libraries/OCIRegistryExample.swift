// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Logging
import OCIRegistry

/// Compiled, and not run.
func exampleOfOCIRegistry(logger: Logger) async throws {
    let image = try ImageReference(parsing: "registry.example/team/app:1")
    try await withRegistryClient(logger: logger) { client in
        let copy = ImageCopy(from: client.repository(image), to: ImageLayoutRepository(folder: "app"))
        let outcome = try await copy.run(.tag("1"), as: .tag("1"))
        print(outcome.descriptor.digest)
    }
}
