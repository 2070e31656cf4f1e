// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import CLinux
import Committer
import Glibc
import Logging
import UnixSignals

import class Foundation.ProcessInfo

/// What all commands have in common.
enum Program {
    static var logger: Logger { Logger(label: "stasis-committer") }

    /// Prepares the process.
    static func begin() {
        // Whoever reads our output may go away; that must not end us while something is frozen.
        signal(SIGPIPE, SIG_IGN)
        clinux_use_one_arena()
        LoggingSystem.bootstrap(
            StreamLogHandler.standardError,
            metadataProvider: .request
        )
    }

    /// What the environment says.
    static func settings() throws(CommitterError) -> CommitterSettings {
        try CommitterSettings(environment: ProcessInfo.processInfo.environment)
    }

    /// Runs a command until it ends or a signal ends it, and turns its error into the exit status.
    static func run(_ body: @escaping @Sendable (Committer, CommitterSettings) async throws -> Void) async throws {
        begin()
        let logger = logger
        do {
            let settings = try settings()
            let committer = Committer(settings: settings, logger: logger) { StandardOutput.print($0) }
            let signals = await UnixSignalsSequence(trapping: .sigterm, .sigint)
            try await withThrowingTaskGroup(of: Bool.self) { group in
                defer { group.cancelAll() }
                group.addTask {
                    try await settings.inRequest { try await body(committer, settings) }
                    return true
                }
                group.addTask {
                    for await signal in signals {
                        logger.warning("Ended by a signal", metadata: ["signal": "\(signal)"])
                        return false
                    }
                    return false
                }
                // Leaving the group waits for the thaw. What was complete when the signal came is a success all the same.
                while let isDone = try await group.next(), !isDone { group.cancelAll() }
            }
        } catch {
            let failure = CommitterError(error)
            logger.error("\(failure)")
            throw ExitCode(failure.exitStatus)
        }
    }
}
