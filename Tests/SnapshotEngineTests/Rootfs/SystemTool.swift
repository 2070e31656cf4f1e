// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Foundation

/// Runs a program of the system to its end.
enum SystemTool {
    struct Failure: Error, CustomStringConvertible {
        var description: String
    }

    /// - Returns: What it printed.
    /// - Throws: `Failure` with all its output if it did not exit with 0.
    @discardableResult
    static func run(_ program: String, _ arguments: String...) throws -> String {
        try run([program] + arguments)
    }

    /// Runs a Python program.
    @discardableResult
    static func python(_ program: String, _ arguments: String...) throws -> String {
        try run(["python3", "-c", program] + arguments)
    }

    /// - Returns: What it printed.
    @discardableResult
    static func run(_ program: String, _ arguments: [String]) throws -> String {
        try run([program] + arguments)
    }

    private static func run(_ command: [String]) throws -> String {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = command
        let output = Pipe()
        process.standardOutput = output
        process.standardError = output
        process.standardInput = FileHandle.nullDevice
        try process.run()
        let bytes = try output.fileHandleForReading.readToEnd() ?? Data()
        process.waitUntilExit()
        let text = String(decoding: bytes, as: UTF8.self)
        guard process.terminationStatus == 0 else {
            let shown = command.map { $0.prefix(100) }.joined(separator: " ")
            throw Failure(description: "\(shown): exit \(process.terminationStatus)\n\(text)")
        }
        return text
    }
}
