// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

public import Subprocess

/// Runs a program to its end, for tests.
public enum Command {
    /// A program that ended with a failure.
    public struct Failure: Error, CustomStringConvertible {
        /// The program, its arguments, how it ended and what it printed.
        public let description: String
    }

    /// Runs a program.
    ///
    /// - Parameters:
    ///   - program: Its name, searched in PATH.
    ///   - arguments: Its arguments.
    ///   - environment: Its environment.
    /// - Returns: What it printed, up to 16 MiB.
    /// - Throws: `Failure` if it does not exit with 0.
    @discardableResult
    public static func run(
        _ program: String,
        _ arguments: [String],
        environment: Environment = .inherit
    ) async throws -> String {
        let result = try await Subprocess.run(
            .name(program),
            arguments: Arguments(arguments),
            environment: environment,
            output: .string(limit: 16 << 20),
            error: .string(limit: 1 << 20)
        )
        let output = result.standardOutput
        guard result.terminationStatus.isSuccess else {
            let command = ([program] + arguments).joined(separator: " ")
            let error = result.standardError
            throw Failure(description: "\(command): \(result.terminationStatus)\n\(output)\(error)")
        }
        return output
    }
}
