// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Committer
import Logging
import SnapshotEngine

import class Foundation.ProcessInfo

/// The process that holds a freeze: a child of `commit` that speaks over its standard input, or one that listens.
struct Hold: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Holds the freeze of commits.",
        discussion: """
            With --listen it serves commits whose environment names its socket (STASIS_HOLD_SOCKET, STASIS_FREEZE_UNTIL), \
            and holds the pod frozen after they have succeeded; see freeze. It thaws at the deadline, when a commit fails, \
            and on SIGTERM, but nothing that is sealed. It exits with 0 when its freeze is over, and then writes how it \
            ended to the termination log. Started again at the same socket after a crash, it thaws what was not sealed.

            Without --listen it is started by commit, which speaks with it over its standard input and output.
            """
    )

    @Option(name: .long, help: "Listen at this unix socket.")
    var listen: String?

    @Option(name: .long, help: "With --listen: exit after so many seconds in which no freeze was ever begun.")
    var idleLimit: Int64 = 900

    @Option(name: .long, help: "containerd's socket. (default: CONTAINERD_SOCKET)")
    var containerdSocket: String?

    @Option(name: .long, help: "The containers' containerd namespace. (default: CONTAINERD_NAMESPACE)")
    var containerdNamespace: String?

    func validate() throws {
        guard idleLimit > 0 else { throw ValidationError("--idle-limit takes a positive number of seconds") }
    }

    func run() async throws {
        let settings = try Program.settings()
        try await settings.inRequest { try await run(settings) }
    }

    private func run(_ settings: CommitterSettings) async throws {
        let socket = containerdSocket ?? settings.containerdSocket
        let namespace = containerdNamespace ?? settings.containerdNamespace
        guard let listen else {
            return try await FreezeHolderService.runProcess(
                containerdSocket: socket,
                containerdNamespace: namespace
            )
        }
        let ended = try await ListeningHolder.runProcess(
            at: listen,
            containerdSocket: socket,
            containerdNamespace: namespace,
            idleLimit: .seconds(idleLimit)
        )
        guard !ended.isEmpty else { return }
        settings.writeTerminationLog(ended.map { FreezeReport($0).line + "\n" }.joined())
    }
}

/// Asks the process that holds a freeze.
struct Freeze: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Asks about the freeze of a commit that left the pod frozen, or ends it.",
        discussion: """
            status tells what it is like; seal is the point of no return, after which it is never thawed; thaw ends it unless \
            it is sealed; kill ends all processes of a sealed one without letting them run one more instruction. Prints what \
            the freeze is like afterwards as a line of JSON: id, state (unknown, freezing, held, sealed, thawed, killed), \
            deadline and frozenMilliseconds. What cannot be done any more, or yet, is told by the state.

            Exit status: 0 answered; 1 nobody can say now, ask again.
            """
    )

    @Argument(
        help: "status, seal, thaw or kill.",
        transform: { text in
            guard let control = FreezeControl(rawValue: text) else {
                throw ValidationError("a freeze cannot '\(text)': say status, seal, thaw or kill")
            }
            return control
        }
    )
    var control: FreezeControl

    @Argument(help: "The UID of the snapshot.")
    var snapshot: String

    @Option(name: .long, help: "Where the holder listens. (default: STASIS_HOLD_SOCKET, else /run/stasis/hold.sock)")
    var socket: String?

    func run() async throws {
        Program.begin()
        let environment = ProcessInfo.processInfo.environment["STASIS_HOLD_SOCKET"] ?? ""
        let usual = environment.isEmpty ? "/run/stasis/hold.sock" : environment
        var holder = HolderSocket(path: socket ?? usual)
        // It runs, or whoever asks will ask again.
        holder.startLimit = .seconds(2)
        do {
            let status = try await control.ask(about: snapshot, of: holder, logger: Program.logger)
            StandardOutput.print(FreezeReport(status).line)
        } catch {
            Program.logger.error("\(error)")
            throw ExitCode.failure
        }
    }
}
