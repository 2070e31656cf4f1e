// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Glibc
import Logging
import ServiceLifecycle
import TaskExecutor
import UnixSignals

import class Foundation.ProcessInfo

/// `stasis-task-executor`: runs the tasks of a sandbox inside its pod.
@main
struct StasisTaskExecutorCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "stasis-task-executor",
        abstract: "Runs the tasks of a sandbox inside its pod.",
        discussion: """
            It speaks the protocol of OpenSandbox's task executor. Flags may be written with one - or two, as Go's programs \
            take them; they go before the environment.

            Exit status: 0 it was told to stop; 1 it could not start or go on; 64 the arguments make no sense.
            """,
        subcommands: [Run.self, Install.self],
        defaultSubcommand: Run.self
    )

    static func main() async {
        await main(CommandLine.arguments.dropFirst().map(GoArgument.normalized))
    }
}

/// Runs tasks.
struct Run: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Runs tasks, as it is told by HTTP.",
        discussion: """
            Environment: DATA_DIR, LISTEN_ADDR, ENABLE_SIDECAR_MODE=true, MAIN_CONTAINER_NAME. CRI_SOCKET, --cri-socket and \
            the --log- flags are accepted, and nothing comes of them: it logs to standard error.
            """
    )

    @Option(help: "The folder in which tasks are remembered (/var/lib/sandbox/tasks).")
    var dataDir: String?

    @Option(help: "Where to listen (0.0.0.0:5758).")
    var listenAddr: String?

    @Option(help: "true: run tasks among the processes of another container of the pod.")
    var enableSidecarMode: Bool?

    @Option(help: "That container, by the variable SANDBOX_MAIN_CONTAINER of its processes (main).")
    var mainContainerName: String?

    @Option(help: .hidden) var criSocket: String?
    @Option(help: .hidden) var logMaxSize: Int?
    @Option(help: .hidden) var logMaxBackups: Int?
    @Option(help: .hidden) var logMaxAge: Int?
    @Option(help: .hidden) var logDir: String?

    func run() async throws {
        let environment = ProcessInfo.processInfo.environment.filter { !$0.value.isEmpty }
        var settings = TaskExecutorSettings()
        settings.dataFolder = dataDir ?? environment["DATA_DIR"] ?? settings.dataFolder
        do {
            if let address = listenAddr ?? environment["LISTEN_ADDR"] { try settings.listen(on: address) }
        } catch {
            throw ValidationError("\(error)")
        }
        if enableSidecarMode ?? (environment["ENABLE_SIDECAR_MODE"] == "true") {
            settings.mainContainer = mainContainerName ?? environment["MAIN_CONTAINER_NAME"] ?? "main"
        }
        // It may be the first process of its container: nobody else waits for what tasks leave behind.
        signal(SIGCHLD, SIG_IGN)
        // A shell may be killed before it is told to begin.
        signal(SIGPIPE, SIG_IGN)
        LoggingSystem.bootstrap(StreamLogHandler.standardError)
        let logger = Logger(label: "stasis-task-executor")
        var group = ServiceGroupConfiguration(
            services: [TaskExecutor(settings, logger: logger)],
            gracefulShutdownSignals: [.sigterm, .sigint],
            logger: logger
        )
        group.maximumGracefulShutdownDuration = .seconds(30)
        try await ServiceGroup(configuration: group).run()
    }
}

/// Puts the program where a container of another image can run it.
struct Install: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Copies the program and its libraries into a folder that another container shares.",
        discussion: """
            For an init container: <folder>/stasis-task-executor is then a script that runs it in any image that has /bin/sh, \
            whatever its C library is.
            """
    )

    @Argument(help: "The folder.")
    var folder: String

    func run() throws { try Installation(to: folder).perform() }
}
