// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Committer
import Glibc
import Logging
import SnapshotEngine
import UnixSignals

import class Foundation.ProcessInfo

/// `stasis-committer`: commits containers of a pod on this node to images.
@main
struct StasisCommitterCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "stasis-committer",
        abstract: "Commits containers of a pod on this node to images in a registry.",
        discussion: """
            The word commit may be left out. The pod is frozen while it is committed and runs again afterwards, whatever \
            happens; a signal ends it in the same way.

            Environment: CONTAINERD_SOCKET (default /run/containerd/containerd.sock), CONTAINERD_NAMESPACE (k8s.io), \
            SNAPSHOT_REGISTRY_INSECURE (true, false; by default registries of the own network are spoken to without TLS), \
            STASIS_REGISTRY_CONFIG (a Docker config.json, /var/run/opensandbox/registry/config.json), \
            STASIS_REGISTRY_CERTIFICATES (a folder laid out as Docker's, /etc/docker/certs.d), \
            STASIS_TERMINATION_LOG (/dev/termination-log), STASIS_POD_UID (the UID that the pod must have), \
            STASIS_CAPTURE_UID, STASIS_SANDBOX, NODE_NAME (for the image's labels), STASIS_FREEZE_SECONDS (540).

            Exit status: 0 done; 1 the commit or the thaw failed, or a signal ended it; 2 the pod or a container was not \
            found or is not the one that was meant; 3 containerd cannot be reached; 64 the arguments make no sense.
            """,
        subcommands: [Commit.self, Preflight.self, Unpause.self, Hold.self],
        defaultSubcommand: Commit.self
    )
}

/// What is to be committed.
struct CommitArguments: ParsableArguments {
    @Argument(help: "The pod's name.")
    var pod: String

    @Argument(help: "The pod's namespace.")
    var namespace: String

    @Argument(help: "<container>:<image>, such as main:registry.example/team/box:1; or main:oci:/folder:1.")
    var targets: [String]

    @Option(
        name: .long,
        help: "<container>=<image>@sha256:...: what a container was started from; containerd is asked otherwise."
    )
    var base: [String] = []

    var bases: [String: String] {
        get throws(CommitterError) { try CommitTarget.bases(parsing: base) }
    }
}

struct Commit: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Commits containers of a pod.",
        discussion: """
            Prints progress as lines of JSON, then SNAPSHOT_DIGEST_<CONTAINER>= for each container, and writes the \
            result as JSON to the termination log.
            """
    )

    @OptionGroup var arguments: CommitArguments

    @Option(
        name: .long,
        help: "live: copy, freeze, and copy what has changed since; or freeze: freeze, and copy everything.",
        transform: { text in
            guard let consistency = CaptureConsistency(rawValue: text) else {
                throw ValidationError("there is no consistency '\(text)': say live or freeze")
            }
            return consistency
        }
    )
    var consistency: CaptureConsistency = .live

    func run() async throws {
        try await execute { committer, settings in
            do {
                let report = try await committer.commit(
                    pod: arguments.pod,
                    namespace: arguments.namespace,
                    targets: try CommitTarget.list(parsing: arguments.targets),
                    bases: try arguments.bases,
                    consistency: consistency
                )
                for line in report.digestLines { StandardOutput.print(line) }
                settings.writeTerminationLog(report.terminationMessage)
            } catch {
                settings.writeTerminationLog(CommitReport.terminationMessage(of: CommitterError(error)))
                throw error
            }
        }
    }
}

struct Preflight: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Checks whether a commit would succeed, and freezes nothing.",
        discussion: """
            Takes the arguments of commit. Prints a line of JSON for each check: check, status (passed, warning, failed, \
            skipped), message, and container and reason where there are any; then one with the sum. Exits as the commit \
            would.
            """
    )

    @OptionGroup var arguments: CommitArguments

    func run() async throws {
        try await execute { committer, settings in
            do {
                try await committer.preflight(
                    pod: arguments.pod,
                    namespace: arguments.namespace,
                    targets: try CommitTarget.list(parsing: arguments.targets),
                    bases: try arguments.bases
                )
            } catch {
                settings.writeTerminationLog(CommitReport.terminationMessage(of: CommitterError(error)))
                throw error
            }
        }
    }
}

struct Unpause: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Thaws containers of a pod that were left frozen, unless their freeze is sealed."
    )

    @Argument(help: "The pod's name.")
    var pod: String

    @Argument(help: "The pod's namespace.")
    var namespace: String

    @Argument(help: "The containers' names.")
    var containers: [String]

    func run() async throws {
        try await execute { committer, _ in
            try await committer.unpause(pod: pod, namespace: namespace, containers: containers)
        }
    }
}

/// The process that holds the freeze of a commit; `commit` starts it.
struct Hold: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Holds the freeze of a commit, which starts this by itself.",
        shouldDisplay: false
    )

    @Option(name: .long, help: "containerd's socket.")
    var containerdSocket: String

    @Option(name: .long, help: "The containers' containerd namespace.")
    var containerdNamespace: String

    func run() async throws {
        try await FreezeHolderService.runProcess(
            containerdSocket: containerdSocket,
            containerdNamespace: containerdNamespace
        )
    }
}

/// Runs a command until it ends or a signal ends it, and turns its error into the exit status.
private func execute(
    _ body: @escaping @Sendable (Committer, CommitterSettings) async throws -> Void
) async throws {
    // Whoever reads our output may go away; that must not end us while something is frozen.
    signal(SIGPIPE, SIG_IGN)
    LoggingSystem.bootstrap(StreamLogHandler.standardError)
    let logger = Logger(label: "stasis-committer")
    do {
        let settings = try CommitterSettings(environment: ProcessInfo.processInfo.environment)
        let committer = Committer(settings: settings, logger: logger) { StandardOutput.print($0) }
        let signals = await UnixSignalsSequence(trapping: .sigterm, .sigint)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await body(committer, settings) }
            group.addTask {
                for await signal in signals {
                    logger.warning("Ended by a signal", metadata: ["signal": "\(signal)"])
                    throw CancellationError()
                }
            }
            // The first to end ends the other; leaving the group waits for the thaw.
            defer { group.cancelAll() }
            try await group.next()
        }
    } catch {
        let failure = CommitterError(error)
        logger.error("\(failure)")
        throw ExitCode(failure.exitStatus)
    }
}
