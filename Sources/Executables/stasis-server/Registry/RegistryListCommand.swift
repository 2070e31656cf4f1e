// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import OCIRegistry
import RegistryInventory

import struct Foundation.Date

/// Tells what repositories have.
struct RegistryListCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list",
        abstract: "Tells which images are there, for which sandbox, how large, and who needs them."
    )

    @Option(help: "A repository. Several may be named.")
    var repository: [String]

    @OptionGroup var installations: InstallationOptions
    @OptionGroup var access: RegistryAccess

    @Option(help: "How old an image must be to go: 90s, 30m, 24h, 7d.", transform: Age.argument)
    var olderThan = Age(seconds: 86400)

    @Option(help: "text, or json.")
    var output = OutputFormat.text

    func run() async throws {
        let places = try await installations.places()
        let logger = RegistryAccess.logger
        let report = try await withRegistryClient(try access.configuration(), logger: logger) { client in
            try await withInstallations(places, logger: logger) { asked in
                let survey = PruneSurvey(
                    repositories: try RegistryAccess.repositories(repository, client),
                    installations: asked,
                    age: olderThan
                )
                let (inventory, plan) = try await survey.run()
                return InventoryReport(
                    plan,
                    of: inventory,
                    installations: installations.isEmpty ? nil : asked.map(\.name)
                )
            }
        }
        print(output == .json ? try report.json() : report.table(now: Date()), terminator: output == .json ? "\n" : "")
    }
}
