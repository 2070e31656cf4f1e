// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Foundation
import Subprocess
import SystemPackage
import TestSupport

/// The program `stasis-committer` as it was built beside the tests.
struct CommitterProgram {
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
    }

    let daemon: ContainerdDaemon
    var environment: [String: String] = [:]

    /// Runs it.
    ///
    /// - Parameters:
    ///   - arguments: Its arguments.
    ///   - meanwhile: What to do while it runs, with its process ID.
    func run(
        _ arguments: String...,
        meanwhile: @Sendable (pid_t) async throws -> Void = { _ in }
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
        let result = try await Subprocess.run(
            // env becomes the program: the process ID stays.
            .name("env"),
            arguments: Arguments([folder.appending(path: "stasis-committer").path] + arguments),
            environment: .inherit.updating(variables),
            input: .none,
            output: .string(limit: 1 << 20),
            error: .string(limit: 1 << 20)
        ) { execution in
            try await meanwhile(execution.processIdentifier.value)
        }
        return Ending(
            status: result.terminationStatus,
            output: result.standardOutput,
            errors: result.standardError,
            terminationLog: (try? String(contentsOfFile: log, encoding: .utf8)) ?? ""
        )
    }
}
