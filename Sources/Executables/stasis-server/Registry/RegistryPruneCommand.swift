// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import OCIRegistry
import RegistryInventory

import struct Foundation.Date

/// Deletes what nobody needs.
struct RegistryPruneCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "prune",
        abstract: "Deletes the images of snapshots that no installation needs. Without --delete it only tells which.",
        discussion: """
            All installations that use the repositories must be named: what another one needs is not known. If one of them \
            cannot be read, nothing is deleted.
            """
    )

    @Option(help: "A repository. Several may be named.")
    var repository: [String]

    @OptionGroup var installations: InstallationOptions
    @OptionGroup var access: RegistryAccess

    @Flag(help: "Nothing uses these repositories any more: whatever is old enough goes.")
    var noInstallations = false

    @Option(help: "How old an image must be to go: 90s, 30m, 24h, 7d.", transform: Age.argument)
    var olderThan = Age(seconds: 86400)

    @Flag(inversion: .prefixedNo, help: "Tell what would be deleted. That is what is done without --delete.")
    var dryRun: Bool?

    @Flag(help: "Delete.")
    var delete = false

    @Option(
        help:
            "The file in which is written down what is deleted, before it is; 'registry undo' reads it. By default one in this folder, named by the time."
    )
    var record: String?

    @Option(help: "text, or json.")
    var output = OutputFormat.text

    func validate() throws {
        if installations.isEmpty, !noInstallations {
            throw ValidationError(
                "name every installation that uses these repositories by --kubeconfig, --context, --in-cluster or --config, "
                    + "or say --no-installations if there is none"
            )
        }
        if !installations.isEmpty, noInstallations {
            throw ValidationError("there are installations, so --no-installations is not true")
        }
        if delete, dryRun == true { throw ValidationError("--delete and --dry-run exclude one another") }
        if dryRun == false, !delete { throw ValidationError("say --delete") }
    }

    func run() async throws {
        let places = try await installations.places()
        let logger = RegistryAccess.logger
        try await withRegistryClient(try access.configuration(), logger: logger) { client in
            try await withInstallations(places, logger: logger) { asked in
                let repositories = try RegistryAccess.repositories(repository, client)
                let survey = PruneSurvey(repositories: repositories, installations: asked, age: olderThan)
                let (inventory, plan) = try await survey.run()
                let report = InventoryReport(plan, of: inventory, installations: asked.map(\.name))
                if output == .json {
                    print(try report.json())
                } else {
                    print(report.table(now: Date()), terminator: "")
                }
                guard delete else { return }
                let path = record ?? "stasis-pruned-\(Int(Date().timeIntervalSince1970)).jsonl"
                let pruner = Pruner(repositories, installations: asked, record: PruneRecord(path: path))
                try await pruner.delete(plan) { image, outcome in
                    // The report is all that is on the standard output when a program reads it.
                    let line = "\(image.repository)@\(image.digest) \(outcome)"
                    if output == .json { StandardError.write(line) } else { print(line) }
                }
            }
        }
    }
}
