// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import RegistryInventory

/// What is in registries, and what of it is needed.
struct RegistryCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "registry",
        abstract: "Lists, copies and deletes the images of snapshots in registries and image layouts.",
        discussion: """
            A repository is <registry>/<path>, or oci:<folder> for an OCI image layout. Logins are those of `docker login`, \
            or of the file that --registry-config names. docs/retention.md tells more.
            """,
        subcommands: [
            RegistryListCommand.self, RegistryPruneCommand.self, RegistryUndoCommand.self, RegistryCopyCommand.self,
        ]
    )
}

/// How results are printed.
enum OutputFormat: String, ExpressibleByArgument {
    case text, json
}

extension Age {
    /// Reads an argument.
    static func argument(_ text: String) throws -> Age {
        guard let age = Age(text) else {
            throw ValidationError("'\(text)' is no span of time: write 90s, 30m, 24h or 7d")
        }
        return age
    }
}
