// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Committer
import Foundation
import SnapshotEngine
import Subprocess
import SystemPackage
import TestSupport

/// The program `stasis-committer` as it was built beside the tests.
struct CommitterProgram {
    /// One that runs.
    struct Running: Sendable {
        let processID: pid_t
        /// The file that it prints into.
        fileprivate let output: String

        /// The stage that it has told of last.
        var stage: CaptureStage? {
            struct Line: Decodable {
                var stage: String
            }
            let text = (try? String(contentsOfFile: output, encoding: .utf8)) ?? ""
            return text.split(separator: "\n").reversed().lazy
                .compactMap { try? JSONDecoder().decode(Line.self, from: Data($0.utf8)) }
                .compactMap { CaptureStage(rawValue: $0.stage) }
                .first
        }
    }

    /// How it ended.
    struct Ending {
        var status: TerminationStatus
        var output: String
        var errors: String
        var terminationLog: String

        var exitStatus: Int32? {
            if case .exited(let code) = status { Int32(code) } else { nil }
        }

        var lines: [String] { output.split(separator: "\n").map(String.init) }

        /// What the termination log says was committed.
        func containers() throws -> [CommitReport.Container] {
            struct Result: Decodable {
                var containers: [CommitReport.Container]
            }
            return try JSONDecoder().decode(Result.self, from: Data(terminationLog.utf8)).containers
        }
    }

    let daemon: ContainerdDaemon
    var environment: [String: String] = [:]
    /// A command that starts it, such as `setpriv` with what it is to lose.
    var launcher: [String] = []

    /// Runs it.
    ///
    /// - Parameters:
    ///   - arguments: Its arguments.
    ///   - meanwhile: What to do while it runs.
    func run(
        _ arguments: String...,
        meanwhile: @Sendable (Running) async throws -> Void = { _ in }
    ) async throws -> Ending {
        try await run(arguments, meanwhile: meanwhile)
    }

    /// The same.
    func run(
        _ arguments: [String],
        meanwhile: @Sendable (Running) async throws -> Void = { _ in }
    ) async throws -> Ending {
        let folder = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath().deletingLastPathComponent()
        let log = "\(daemon.folder)/termination-\(UInt32.random(in: 0 ... .max))"
        var variables: [Environment.Key: String?] = [
            "CONTAINERD_SOCKET": daemon.socket, "CONTAINERD_NAMESPACE": daemon.namespace,
            "STASIS_TERMINATION_LOG": log, "STASIS_REGISTRY_CONFIG": "/nonexistent",
        ]
        for (name, value) in environment {
            variables[Environment.Key(stringLiteral: name)] = value
        }
        let output = "\(log)-output"
        let descriptor = try FileDescriptor.open(
            output,
            .writeOnly,
            options: [.create, .truncate, .closeOnExec],
            permissions: .ownerReadWrite
        )
        let result = try await Subprocess.run(
            // env becomes the program: the process ID stays.
            .name("env"),
            arguments: Arguments(launcher + [folder.appending(path: "stasis-committer").path] + arguments),
            environment: .inherit.updating(variables),
            input: .none,
            output: .fileDescriptor(descriptor, closeAfterSpawningProcess: true),
            error: .string(limit: 1 << 20)
        ) { execution in
            try await meanwhile(Running(processID: execution.processIdentifier.value, output: output))
        }
        return Ending(
            status: result.terminationStatus,
            output: try String(contentsOfFile: output, encoding: .utf8),
            errors: result.standardError,
            terminationLog: (try? String(contentsOfFile: log, encoding: .utf8)) ?? ""
        )
    }
}
