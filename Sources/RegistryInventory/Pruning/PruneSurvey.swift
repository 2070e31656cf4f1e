// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

public import OCIRegistry

import struct Foundation.Date

/// Looks what repositories have, who needs it, and what may go.
public struct PruneSurvey: Sendable {
    private let repositories: [any ImageRepository]
    private let installations: [any Installation]
    private let age: Age

    /// Prepares to look.
    ///
    /// - Parameter age: how old an image must be to go.
    public init(repositories: [any ImageRepository], installations: [any Installation], age: Age) {
        self.repositories = repositories
        self.installations = installations
        self.age = age
    }

    /// Looks. Images come before records, so that whatever is recorded meanwhile names an image that was not listed, or keeps one.
    ///
    /// - Throws: `RegistryError` or `InstallationError` if a part cannot be read.
    public func run() async throws -> (inventory: RegistryInventory, plan: PrunePlan) {
        let inventory = try await InventoryReader().read(repositories)
        let references = try await installations.references(to: repositories.map(\.name))
        let plan = PrunePlan(inventory, references: references, olderThan: age.seconds, now: Date())
        return (inventory, plan)
    }
}
