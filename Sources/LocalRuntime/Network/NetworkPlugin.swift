// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import SandboxModels
import Subprocess
import SystemPackage

import class Foundation.JSONDecoder
import class Foundation.JSONEncoder

/// One run of a plugin of the Container Network Interface: variables and a document in, a document out.
struct NetworkPlugin: Sendable {
    /// What a plugin can be asked.
    enum Command: String, Sendable {
        case add = "ADD"
        case delete = "DEL"
    }

    /// The folder of the plugins; they find one another there.
    var folder: String
    /// How long one run may take. Plugins that wait for each other's lock take the longest.
    var deadline: Duration = .seconds(30)

    /// The most that is read of a plugin's answer, in bytes.
    private static let answerLimit = 1 << 20

    /// Runs the bridge plugin and gives its standard output.
    ///
    /// - Parameters:
    ///   - networkNamespace: the path of the sandbox's network namespace; empty if it is gone.
    /// - Throws: `SandboxError` with the plugin's own words, or `CancellationError`; the plugin is dead then.
    func run(
        _ command: Command,
        container: String,
        networkNamespace: String,
        configuration: BridgePluginConfiguration
    ) async throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        let input = [UInt8](try encoder.encode(configuration))
        let environment: [Environment.Key: String] = [
            "CNI_COMMAND": command.rawValue,
            "CNI_CONTAINERID": container,
            "CNI_NETNS": networkNamespace,
            "CNI_IFNAME": "eth0",
            "CNI_PATH": folder,
            "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        ]
        let plugin = "\(folder)/\(configuration.type)"
        let deadline = deadline

        return try await withThrowingTaskGroup(of: String.self) { group in
            group.addTask {
                try await Self.execute(plugin, command, input: input, environment: .custom(environment))
            }
            group.addTask {
                try await Task.sleep(for: deadline)
                throw SandboxError(
                    .runtimeUnavailable,
                    "The network plugin \(plugin) did not finish \(command.rawValue) within \(deadline) and was ended."
                )
            }
            defer { group.cancelAll() }
            guard let first = try await group.next() else { throw CancellationError() }
            return first
        }
    }

    private static func execute(
        _ plugin: String,
        _ command: Command,
        input: [UInt8],
        environment: Environment
    ) async throws -> String {
        let result: ExecutionResult<Void, StringOutput<Unicode.UTF8>, StringOutput<Unicode.UTF8>>
        do {
            // The document is in the pipe before the plugin lives: it is far smaller than a pipe's buffer, and writing to
            // a plugin that has died would end this process by SIGPIPE.
            let pipe = try FileDescriptor.pipe()
            try pipe.writeEnd.closeAfter { _ = try pipe.writeEnd.writeAll(input) }
            result = try await Subprocess.run(
                .path(FilePath(plugin)),
                environment: environment,
                input: .fileDescriptor(pipe.readEnd, closeAfterSpawningProcess: true),
                output: .string(limit: answerLimit),
                error: .string(limit: answerLimit)
            )
        } catch {
            try Task.checkCancellation()
            throw SandboxError(
                .runtimeUnavailable,
                "The network plugin \(plugin) could not be run. Are the CNI plugins installed "
                    + "(Debian: containernetworking-plugins)?",
                cause: error
            )
        }
        try Task.checkCancellation()
        let output = result.standardOutput
        guard result.terminationStatus.isSuccess else {
            throw SandboxError(
                .startFailed,
                "The network plugin \(plugin) failed at \(command.rawValue): "
                    + explanation(output: output, errors: result.standardError, result.terminationStatus)
            )
        }
        return output
    }

    /// The plugin's own words: its error document, else what it wrote, else how it ended.
    private static func explanation(output: String, errors: String, _ status: TerminationStatus) -> String {
        var parts: [String] = []
        if let failure = try? JSONDecoder().decode(PluginFailure.self, from: .init(output.utf8)) {
            parts.append(failure.details.map { "\(failure.msg): \($0)" } ?? failure.msg)
        } else if !output.isEmpty {
            parts.append(output)
        }
        if !errors.isEmpty { parts.append(errors) }
        if parts.isEmpty { parts.append("\(status)") }
        return String(parts.joined(separator: "; ").prefix(2000))
    }
}
