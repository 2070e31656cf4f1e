// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Server

import struct Foundation.Data
import class Foundation.FileHandle
import class Foundation.ProcessInfo

/// Moves a sandbox to another server, in one step.
struct MoveCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "move",
        abstract: "Moves a sandbox to another server.",
        discussion: """
            The sandbox is paused, its image is brought to where the other server can read it, and it is created there; then it is \
            deleted here, or kept paused. Whatever is interrupted, run the command again: it goes on where it was.

            With --to NAME the server that it leaves knows the other one by that name (move.targets.NAME). With --to local it \
            comes to this machine's own server, which the other one need not be able to reach. STASIS_MOVE_KEY is the key of the \
            server that it leaves, STASIS_MOVE_TARGET_KEY that of the other one.
            """
    )

    @Argument(help: "The sandbox.")
    var sandbox: String

    @Option(name: .long, help: "The server that it leaves.")
    var from = "http://127.0.0.1:8080"

    @Option(name: .long, help: "Where to: a name, an address (http://...), or local.")
    var to: String

    @Option(name: .long, help: "With --to local: where this machine's own server is.")
    var local = "http://127.0.0.1:8080"

    @Flag(name: .long, help: "Delete it where it was; otherwise it stays there, paused.")
    var delete = false

    @Flag(name: .long, help: "Let the other server choose another id.")
    var newID = false

    @Flag(name: .long, help: "Leave behind what cannot travel, such as volumes.")
    var allowLoss = false

    @Flag(name: .long, help: "Call the move off.")
    var cancel = false

    func run() async throws {
        let environment = ProcessInfo.processInfo.environment
        let targetKey = environment["STASIS_MOVE_TARGET_KEY"]
        let destination: MoveErrand.Destination =
            if to == "local" {
                .here(MoveErrand.Place(url: local, key: targetKey))
            } else if to.contains("://") {
                .server(MoveErrand.Place(url: to, key: targetKey))
            } else {
                .named(to)
            }
        let source = MoveErrand.Place(url: from, key: environment["STASIS_MOVE_KEY"])
        do {
            var errand = try MoveErrand(sandbox, from: source, to: destination)
            errand.deletesSource = delete
            errand.keepsID = !newID
            errand.allowsLoss = allowLoss
            if cancel { return try await errand.cancel() }
            let arrival = try await errand.run { line in
                FileHandle.standardError.write(Data("\(line)\n".utf8))
            }
            print("\(arrival.sandboxID) \(arrival.server)")
        } catch let failure as MoveErrand.Failure {
            FileHandle.standardError.write(Data("stasis-server move: \(failure)\n".utf8))
            throw ExitCode.failure
        }
    }
}
