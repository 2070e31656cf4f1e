// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import OCIRegistry
import RegistryInventory

/// Puts back what was deleted.
struct RegistryUndoCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "undo",
        abstract: "Puts back what 'registry prune' has deleted, as long as the registry has not collected its garbage."
    )

    @Argument(help: "The file that was written when it was deleted.")
    var record: String

    @OptionGroup var access: RegistryAccess

    func run() async throws {
        let entries = try PruneRecord.entries(in: record)
        var failures = 0
        try await withRegistryClient(try access.configuration(), logger: RegistryAccess.logger) { client in
            // What refers to an image was written down before it.
            for entry in entries {
                let repository = client.repository(of: try ImageLocation(parsing: entry.repository))
                do {
                    let taken = try await PruneRecord.restore(entry, to: repository)
                    let note = taken.isEmpty ? "" : "; other images have its names \(taken.joined(separator: ", ")) now"
                    print("\(entry.repository)@\(entry.digest) is back\(note)")
                } catch let error as RegistryError {
                    failures += 1
                    StandardError.write("\(entry.repository)@\(entry.digest) is not back: \(error)")
                }
            }
        }
        if failures > 0 { throw ExitCode.failure }
    }
}
