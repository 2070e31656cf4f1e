// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Logging
import OCIRegistry
import RegistryInventory

/// Compiled, and not run: the tests of `RegistryInventory` do the same.
func exampleOfRegistryInventory(_ repository: any ImageRepository, logger: Logger) async throws {
    let places: [InstallationPlace] = [.stateFolder("/var/lib/stasis")]
    try await withInstallations(places, logger: logger) { installations in
        let survey = PruneSurvey(repositories: [repository], installations: installations, age: Age(seconds: 86_400))
        let (inventory, plan) = try await survey.run()
        print("\(inventory.bytesFreed(without: plan.reclaimable)) bytes are needed by nobody")
    }
}
