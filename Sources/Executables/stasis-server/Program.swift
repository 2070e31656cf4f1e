// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Server

/// `stasis-server`: serves, if it is told nothing else. It has no options of its own: they would take those of the same name
/// from its subcommands.
@main
struct Program: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "stasis-server",
        abstract: "Serves the OpenSandbox Lifecycle API, and looks after the images of snapshots.",
        discussion: "Without a subcommand it serves; 'stasis-server help serve' tells the options.",
        version: ServerVersion.current,
        subcommands: [StasisServerCommand.self, MoveCommand.self, RegistryCommand.self],
        defaultSubcommand: StasisServerCommand.self
    )
}
