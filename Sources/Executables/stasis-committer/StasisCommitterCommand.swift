// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Committer
import SnapshotEngine

/// `stasis-committer`: commits containers of a pod on this node to images.
@main
struct StasisCommitterCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "stasis-committer",
        abstract: "Commits containers of a pod on this node to images in a registry.",
        discussion: """
            The word commit may be left out. The pod is frozen while it is read and runs again afterwards, whatever \
            happens, unless it is to be held; a signal ends it in the same way.

            Environment: CONTAINERD_SOCKET (default /run/containerd/containerd.sock), CONTAINERD_NAMESPACE (k8s.io), \
            SNAPSHOT_REGISTRY_INSECURE (true, false; by default registries of the own network are spoken to without TLS), \
            STASIS_REGISTRY_CONFIG (a Docker config.json, /var/run/opensandbox/registry/config.json), \
            STASIS_REGISTRY_CERTIFICATES (a folder laid out as Docker's, /etc/docker/certs.d), \
            STASIS_TERMINATION_LOG (/dev/termination-log), STASIS_POD_UID (the UID that the pod must have), \
            STASIS_SNAPSHOT_UID (as --snapshot-uid), STASIS_SANDBOX, NODE_NAME (for the image's labels), \
            STASIS_CONTAINERS (how containers are run, JSON by name, for the image's config), STASIS_SIGNING_KEY (a PEM file; \
            statements about the images are signed with it), \
            STASIS_FREEZE_SECONDS (540), STASIS_HOLD_SOCKET and STASIS_FREEZE_UNTIL (the pod stays frozen after a commit; \
            see hold).

            Exit status: 0 done; 1 the commit or the thaw failed, or a signal ended it; 2 the pod or a container was not \
            found or is not the one that was meant; 3 containerd cannot be reached; 64 the arguments make no sense.
            """,
        subcommands: [Commit.self, Preflight.self, Unpause.self, Release.self, Hold.self, Freeze.self],
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

    @Option(
        name: .long,
        help: "gzip, which everybody can read; or zstd, for registries and nodes from about 2021 on.",
        transform: { text in
            guard let compression = CaptureCompression(rawValue: text) else {
                throw ValidationError("there is no compression '\(text)': say gzip or zstd")
            }
            return compression
        }
    )
    var compression: CaptureCompression = .gzip

    @Option(
        name: .customLong("snapshot-uid"),
        help: "Names the snapshot: if an earlier commit of it is complete at its targets, that is the result."
    )
    var snapshotUID: String?

    func run() async throws {
        try await Program.run { committer, settings in
            do {
                var options = CommitOptions()
                options.bases = try arguments.bases
                options.snapshotUID = snapshotUID ?? settings.snapshotUID
                options.hold = try CommitHold(environment: settings.environment)
                options.consistency = consistency
                options.compression = compression
                let report = try await committer.commit(
                    pod: arguments.pod,
                    namespace: arguments.namespace,
                    targets: try CommitTarget.list(parsing: arguments.targets),
                    options: options
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
        try await Program.run { committer, settings in
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
        try await Program.run { committer, settings in
            do {
                try await committer.unpause(pod: pod, namespace: namespace, containers: containers)
            } catch {
                settings.writeTerminationLog(CommitReport.terminationMessage(of: CommitterError(error)))
                throw error
            }
        }
    }
}

struct Release: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Kills all processes of a sealed freeze whose holder is gone.",
        discussion:
            "None of them runs one more instruction. Done as well if there is no such freeze, or it is not sealed."
    )

    @Argument(help: "The UID of the snapshot.")
    var snapshot: String

    func run() async throws {
        try await Program.run { committer, settings in
            do {
                try await committer.release(snapshot: snapshot)
            } catch {
                settings.writeTerminationLog(CommitReport.terminationMessage(of: CommitterError(error)))
                throw error
            }
        }
    }
}
