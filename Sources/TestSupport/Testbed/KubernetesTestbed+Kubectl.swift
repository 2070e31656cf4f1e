// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Foundation
import Subprocess
import SystemPackage

extension KubernetesTestbed {
    /// Runs kubectl as the administrator.
    ///
    /// - Parameters:
    ///   - arguments: Its arguments.
    ///   - input: What it reads from its standard input.
    /// - Returns: What it printed, without the line's end.
    /// - Throws: `Failure` with what it complained about, if it does not exit with 0.
    @discardableResult
    public func kubectl(_ arguments: String..., input: String = "") async throws -> String {
        try await kubectl(arguments, input: input)
    }

    /// Runs kubectl as the administrator, as above.
    @discardableResult
    public func kubectl(_ arguments: [String], input: String = "") async throws -> String {
        for attempt in 1... {
            let result = try await run(
                .path(FilePath(kubectlProgram)),
                arguments: Arguments(global + arguments),
                input: .string(input),
                output: .string(limit: 16 << 20),
                error: .string(limit: 1 << 20)
            )
            if result.terminationStatus.isSuccess { return result.standardOutput.trimmingCharacters(in: .newlines) }
            // For ten minutes it remembers which kinds there were; it may have asked before one was defined.
            let isOld = result.standardError.contains("doesn't have a resource type")
            guard isOld, attempt < 50 else {
                let command = arguments.joined(separator: " ")
                throw Failure(description: "kubectl \(command): \(result.terminationStatus)\n\(result.standardError)")
            }
            try? FileManager.default.removeItem(atPath: cache)
            try await Task.sleep(for: .milliseconds(200))
        }
        throw CancellationError()
    }

    /// Runs kubectl until it prints a line that is wanted, as it does in `get --watch`, and ends it.
    ///
    /// - Parameters:
    ///   - arguments: Its arguments.
    ///   - isWanted: Says of each line whether it is the one.
    /// - Returns: That line.
    /// - Throws: `Failure` if kubectl ends before; a watch that should end by itself has a `--request-timeout`.
    public func firstLine(
        of arguments: [String],
        where isWanted: @escaping @Sendable (String) -> Bool
    ) async throws -> String {
        var options = PlatformOptions()
        options.teardownSequence = [.send(signal: .kill, allowedDurationToNextStep: .seconds(1))]
        let found = try await run(
            .path(FilePath(kubectlProgram)),
            arguments: Arguments(global + arguments),
            platformOptions: options,
            input: .none,
            output: .sequence,
            error: .combinedWithOutput
        ) { execution -> Swift.Result<String, Failure> in
            var printed = ""
            for try await line in execution.standardOutput.strings() {
                let line = line.trimmingCharacters(in: .newlines)
                if isWanted(line) {
                    try? execution.send(signal: .kill)
                    return .success(line)
                }
                printed += line + "\n"
            }
            let command = arguments.joined(separator: " ")
            return .failure(
                Failure(
                    description: "kubectl \(command) ended without what was awaited:\n\(printed)",
                    isEarlyEnd: true
                )
            )
        }
        return try found.closureResult.get()
    }

    // What it remembers of the API is kept in the testbed's folder: the one at home is of another cluster.
    private var global: [String] { ["--kubeconfig", kubeconfig, "--cache-dir", cache] }
    private var cache: String { "\(folder)/run/kubectl" }
}
